#include "vivim/message/mailbox_server.hpp"

#include "vivim/libp2p/metrics/family.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/message/envelope.hpp"
#include "vivim/rt/deadline.hpp"

namespace vivim::message {

namespace {

/// What is over is forgotten a little whenever something comes.
constexpr std::size_t k_expired_at_once = 32;

store::MailRow row_of(const PeerId& sender, const Mail& mail) {
  return {.recipient = to_bytes(mail.to.bytes()),
          .item = to_bytes(mail.item.view()),
          .sender = to_bytes(sender.bytes()),
          .expires = mail.expires_ms,
          .sealed = mail.sealed};
}

}  // namespace

MailboxServer::MailboxServer(libp2p::Host& host, rt::Loop& loop, store::Store& store,
                             MailboxOptions options)
    : loop_(loop),
      store_(store),
      options_(options),
      rates_(options.rates),
      streams_(options.streams),
      status_(
          host.handle(std::string(k_mailbox_protocol_id),
                      [this](libp2p::InboundStream inbound) { return serve(std::move(inbound)); },
                      {.allow_limited = true})),
      published_(host.publish([this](libp2p::metrics::Registry& registry) { publish(registry); })) {
}

rt::Co<void> MailboxServer::serve(libp2p::InboundStream inbound) {
  const auto place = streams_.enter(inbound.peer);
  if (!place) {
    inbound.stream->reset(to_value(libp2p::ResetCode::limit_exceeded));
    co_return;
  }
  Conversation conversation(std::move(inbound.stream), loop_, options_.wait_max);
  co_await converse(conversation, inbound.peer);
}

rt::Co<void> MailboxServer::converse(Conversation& conversation, PeerId peer) {
  std::int64_t given = 0;
  for (std::size_t count = 0; count < options_.frames_max; ++count) {
    auto request = co_await conversation.read_or_end();
    if (!request) {
      ++counts_.refused;
      co_return;
    }
    if (!*request) {
      co_await conversation.finish();
      co_return;
    }
    auto answered = co_await answer(peer, std::move(**request), given);
    if (!answered) {
      ++counts_.refused;
      co_return;
    }
    if (!co_await conversation.write(std::move(*answered))) {
      co_return;
    }
  }
}

rt::Co<std::optional<Frame>> MailboxServer::answer(PeerId peer, Frame request,
                                                   std::int64_t& given) {
  if (auto* deposit = std::get_if<Deposit>(&request)) {
    co_return co_await keep(peer, std::move(deposit->mail));
  }
  if (const auto* fetch = std::get_if<Fetch>(&request)) {
    auto mails = co_await give(peer, given);
    if (mails.mails.empty() && fetch->wait && !stopping_) {
      co_await wait_for_mail(peer);
      mails = co_await give(peer, given);
    }
    co_return std::move(mails);
  }
  if (auto* taken = std::get_if<Taken>(&request)) {
    co_return co_await forget(peer, std::move(*taken));
  }
  co_return std::nullopt;
}

rt::Co<Frame> MailboxServer::keep(PeerId sender, Mail mail) {
  const std::int64_t now = loop_.clock().wall_now_ms();
  const std::int64_t latest =
      now + std::chrono::milliseconds(k_lifetime_max).count() + k_clock_skew_max.count();
  if (mail.expires_ms <= now || mail.expires_ms > latest || mail.sealed.empty()) {
    ++counts_.refused;
    co_return Receipt{.id = mail.item, .status = Status::refused};
  }
  if (!rates_.take(sender, loop_.clock().now().time_since_epoch())) {
    ++counts_.throttled;
    co_return Receipt{.id = mail.item, .status = Status::slow_down};
  }
  const auto row = row_of(sender, mail);
  const auto put = co_await store_.write(
      [&](store::Database& database) -> Result<store::Mailbox::Put> {
        store::Mailbox mailbox(database, options_.quota);
        VIVIM_TRYV(mailbox.expire(now, k_expired_at_once));
        return mailbox.put(row);
      },
      row.sealed.size());
  const bool kept = put && *put != store::Mailbox::Put::full;
  ++(kept ? counts_.stored : counts_.full);
  if (const auto waiting = waiting_.find(mail.to); kept && waiting != waiting_.end()) {
    waiting->second.came.set();
  }
  co_return Receipt{.id = mail.item, .status = kept ? Status::stored : Status::full};
}

/// What comes behind what was given: what is not taken holds up nothing.
rt::Co<Mails> MailboxServer::give(PeerId recipient, std::int64_t& given) {
  const std::int64_t now = loop_.clock().wall_now_ms();
  // Room for what is around the sealed bytes.
  constexpr std::size_t k_bytes_max = k_mails_bytes_max - k_mails_max * 256;
  auto rows = co_await store_.read([&](store::Database& database) {
    return store::Mailbox(database).list(recipient.bytes(), given, now, k_mails_max, k_bytes_max);
  });
  Mails mails;
  if (!rows) {
    co_return mails;
  }
  for (auto& row : *rows) {
    const auto item = MessageId::from_bytes(row.item);
    if (!item) {
      break;
    }
    given = row.seq;
    mails.mails.push_back({.to = recipient,
                           .item = *item,
                           .expires_ms = row.expires,
                           .sealed = std::move(row.sealed)});
  }
  counts_.given += mails.mails.size();
  co_return mails;
}

rt::Co<void> MailboxServer::wait_for_mail(PeerId recipient) {
  auto& waiting = waiting_.try_emplace(recipient, loop_).first->second;
  ++waiting.count;
  rt::Deadline deadline(loop_, options_.hold_max, [&waiting] { waiting.came.set(); });
  co_await waiting.came.wait();
  waiting.came.reset();
  co_await deadline.finish();
  if (--waiting.count == 0) {
    waiting_.erase(recipient);
  }
}

void MailboxServer::stop() {
  stopping_ = true;
  for (auto& [recipient, waiting] : waiting_) {
    waiting.came.set();
  }
}

rt::Co<Frame> MailboxServer::forget(PeerId recipient, Taken taken) {
  const auto forgotten = co_await store_.write([&](store::Database& database) -> Result<void> {
    store::Mailbox mailbox(database);
    for (const auto& item : taken.items) {
      VIVIM_TRYV(mailbox.remove(recipient.bytes(), item.view()));
    }
    return {};
  });
  counts_.taken += forgotten ? taken.items.size() : 0;
  co_return Receipt{.id = {}, .status = forgotten ? Status::arrived : Status::full};
}

void MailboxServer::publish(libp2p::metrics::Registry& registry) const {
  using libp2p::metrics::Family;
  using libp2p::metrics::Type;
  Family(registry, "vivim_mailbox_items_total", Type::counter,
         "sealed messages of others, by what became of them", "result")
      .set("stored", counts_.stored)
      .set("given", counts_.given)
      .set("taken", counts_.taken)
      .set("throttled", counts_.throttled)
      .set("full", counts_.full)
      .set("refused", counts_.refused);
  Family(registry, "vivim_mailbox_streams_refused_total", Type::counter,
         "streams refused because there were too many")
      .set(streams_.refused());
}

}  // namespace vivim::message
