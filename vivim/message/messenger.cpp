#include "vivim/message/messenger.hpp"

#include <algorithm>

#include "vivim/base/log.hpp"
#include "vivim/libp2p/metrics/family.hpp"
#include "vivim/store/error.hpp"

namespace vivim::message {

namespace {

/// Peers for whom it is remembered through which mailbox they wrote.
constexpr std::size_t k_came_through_max = 1024;
/// Messages whose receipt is remembered.
constexpr std::size_t k_acknowledged_max = 8192;

Outgoing outgoing_of(const Message& message, Bytes envelope) {
  return {.id = message.id,
          .to = *message.recipient(),
          .priority = message.priority,
          .delivery = message.delivery,
          .kind = message.kind,
          .expires_ms = message.expires_ms(),
          .envelope = std::move(envelope)};
}

store::OutgoingRow row_of(const Outgoing& message) {
  return {.recipient = to_bytes(message.to.bytes()),
          .id = to_bytes(message.id.view()),
          .stored = message.stored,
          .expires = message.expires_ms,
          .envelope = message.envelope};
}

bool speaks_mailbox(libp2p::Host& host, const PeerId& peer) {
  const auto* known = host.peer_store().find(peer);
  return known != nullptr && std::ranges::count(known->protocols, k_mailbox_protocol_id) > 0;
}

}  // namespace

Messenger::Messenger(libp2p::Host& host, rt::Loop& loop, store::Store& store, rt::Rng& rng,
                     const crypto::KeyPair& key, MessengerOptions options)
    : host_(host),
      loop_(loop),
      store_(store),
      rng_(rng),
      self_(PeerId::of(key)),
      signer_(Signer::of(key)),
      own_(crypto::x25519_of(key)),
      options_(std::move(options)),
      inbox_(self_, options_.inbox),
      outbox_(options_.outbox, options_.times.outbox),
      timer_(loop.make_timer()),
      came_through_(k_came_through_max),
      acknowledged_(k_acknowledged_max),
      idle_mails_(options_.idle_mails),
      streams_(options_.streams),
      tasks_(loop) {}

Messenger::~Messenger() = default;

rt::Co<Result<void>> Messenger::start() {
  VIVIM_CO_TRYV(co_await load());
  VIVIM_CO_TRYV(
      host_.handle(std::string(k_protocol_id),
                   [this](libp2p::InboundStream inbound) { return serve(std::move(inbound)); },
                   {.allow_limited = true}));
  watching_ = host_.subscribe([this](const libp2p::HostEvent& event) { on_host_event(event); });
  published_ = host_.publish([this](libp2p::metrics::Registry& registry) { publish(registry); });
  tasks_.on_stop([this] { timer_->cancel(); });
  tasks_.spawn("messages", pump());
  co_return Result<void>();
}

rt::Co<void> Messenger::stop() {
  watching_ = {};
  co_await tasks_.stop();
}

rt::Co<Result<void>> Messenger::load() {
  const std::size_t limit = options_.outbox.messages_max + options_.outbox.receipts_max;
  VIVIM_CO_TRY(auto rows, co_await store_.read([limit](store::Database& database) {
    return store::OutgoingMessages(database).list(limit);
  }));
  std::vector<store::OutgoingRow> broken;
  for (auto& row : rows) {
    const auto opened = open(row.envelope);
    if (!opened || opened->message.recipient() == nullptr) {
      broken.push_back(std::move(row));
      continue;
    }
    note_receipt(opened->message);
    auto message = outgoing_of(opened->message, std::move(row.envelope));
    message.stored = row.stored;
    (void)outbox_.add(std::move(message), loop_.clock().now());  // else after the next start
  }
  if (!broken.empty()) {
    VIVIM_CO_TRYV(co_await store_.write([&broken](store::Database& database) -> Result<void> {
      for (const auto& row : broken) {
        VIVIM_TRYV(store::OutgoingMessages(database).remove(row.recipient, row.id));
      }
      return {};
    }));
  }
  co_return Result<void>();
}

void Messenger::wake() {
  timer_->expire_at(loop_.clock().now());
}

rt::Co<void> Messenger::pump() {
  while (!tasks_.stopping()) {
    co_await expire();
    if (tasks_.stopping()) {
      co_return;  // the timer was cancelled, and must not run again
    }
    const auto now = loop_.clock().now();
    while (auto batch = outbox_.next(now)) {
      tasks_.spawn("message lane", serve_lane(std::move(*batch)));
    }
    if (now >= fetch_at_) {
      fetch_at_ = now + options_.times.fetch_interval;
      start_fetching();
    }
    timer_->expire_at(std::min(fetch_at_, outbox_.next_deadline().value_or(fetch_at_)));
    (void)co_await timer_->wait();
  }
}

rt::Co<void> Messenger::expire() {
  const auto wall = loop_.clock().wall_now_ms();
  const auto over = outbox_.expire(wall);
  const bool marks = loop_.clock().now() >= fetch_at_;
  if (over.empty() && !marks) {
    co_return;
  }
  const auto forgotten = co_await store_.write([&](store::Database& database) -> Result<void> {
    for (const auto& message : over) {
      VIVIM_TRYV(store::OutgoingMessages(database).remove(message.to.bytes(), message.id.view()));
    }
    VIVIM_TRYV(store::Messages(database).expire_marks(wall));
    return {};
  });
  if (!forgotten) {
    log::write(log::Level::warning, "message", "what is over was not forgotten",
               {{"error", forgotten.error().message()}});
  }
  for (const auto& message : over) {
    if (message.kind == Kind::data) {
      ++counts_.expired;
      emit(MessageEvent::Kind::expired, message.to, message.id);
    }
  }
}

void Messenger::on_host_event(const libp2p::HostEvent& event) {
  using HostKind = libp2p::HostEvent::Kind;
  if (!event.peer) {
    return;
  }
  if (event.kind == HostKind::connected) {
    outbox_.available(*event.peer, loop_.clock().now());
    wake();
  } else if (event.kind == HostKind::identified && speaks_mailbox(host_, *event.peer) &&
             keepers_.insert(*event.peer).second) {
    fetch_at_ = loop_.clock().now();
    wake();
  } else if (event.kind == HostKind::disconnected && event.connections_left == 0) {
    keepers_.erase(*event.peer);
  }
}

void Messenger::emit(MessageEvent::Kind kind, const PeerId& peer, const MessageId& id,
                     const Message* message) {
  if (options_.on_event) {
    options_.on_event({.kind = kind, .peer = peer, .id = id, .message = message});
  }
}

rt::Co<Result<MessageId>> Messenger::send(Draft draft) {
  if (draft.to == self_) {
    co_return fail(MessageError::unknown_recipient);
  }
  Message message{.time_ms = loop_.clock().wall_now_ms(),
                  .lifetime = draft.lifetime,
                  .from = self_,
                  .to = draft.to,
                  .priority = draft.priority,
                  .delivery = draft.delivery,
                  .payload = std::move(draft.payload)};
  rng_.fill(message.id.bytes);
  VIVIM_CO_TRYV(co_await queue(message));
  ++counts_.sent;
  co_return message.id;
}

rt::Co<Result<void>> Messenger::queue(const Message& message) {
  VIVIM_CO_TRY(auto envelope, seal(signer_, message));
  auto outgoing = outgoing_of(message, std::move(envelope));
  if (message.kind == Kind::receipt) {
    if (const auto old = outbox_.make_room_for_receipt()) {
      VIVIM_CO_TRYV(co_await forget(old->to, old->id));
    }
  }
  VIVIM_CO_TRYV(outbox_.has_room(outgoing));
  const auto row = row_of(outgoing);
  const bool durable = message.delivery != Delivery::best_effort;
  if (durable) {
    VIVIM_CO_TRYV(co_await store_.write(
        [&](store::Database& database) -> Result<void> {
          if (message.kind == Kind::data) {
            VIVIM_TRYV(store::Correspondents(database).add(row.recipient));
          }
          return store::OutgoingMessages(database).add(row);
        },
        row.envelope.size()));
  }
  const auto added = outbox_.add(std::move(outgoing), loop_.clock().now());
  if (!added && durable) {  // others took the room meanwhile
    (void)co_await forget(*message.recipient(), message.id);
  }
  wake();
  co_return added;
}

rt::Co<Result<void>> Messenger::forget(PeerId to, MessageId id) {
  co_return co_await store_.write([&](store::Database& database) {
    return store::OutgoingMessages(database).remove(to.bytes(), id.view());
  });
}

std::vector<Pending> Messenger::pending() const {
  std::vector<Pending> out;
  for (const auto* message : outbox_.all()) {
    if (message->kind == Kind::data) {
      out.push_back({.id = message->id,
                     .to = message->to,
                     .priority = message->priority,
                     .delivery = message->delivery,
                     .expires_ms = message->expires_ms,
                     .stored = message->stored});
    }
  }
  return out;
}

void Messenger::publish(libp2p::metrics::Registry& registry) const {
  using libp2p::metrics::Family;
  using libp2p::metrics::Type;
  Family(registry, "vivim_messages_total", Type::counter, "messages, by what became of them",
         "event")
      .set("sent", counts_.sent)
      .set("received", counts_.received)
      .set("delivered", counts_.delivered)
      .set("stored", counts_.stored)
      .set("expired", counts_.expired)
      .set("refused", counts_.refused);
  const auto& judged = inbox_.counts();
  Family(registry, "vivim_messages_inbound_total", Type::counter,
         "envelopes that came, by how they were judged", "result")
      .set("taken", judged.taken)
      .set("known", judged.known)
      .set("throttled", judged.throttled)
      .set("untimely", judged.untimely)
      .set("refused", judged.refused);
  Family(registry, "vivim_messages_waiting", Type::gauge, "messages on their way")
      .set(outbox_.size());
  Family(registry, "vivim_messages_waiting_bytes", Type::gauge, "bytes of those on their way")
      .set(outbox_.bytes());
  Family(registry, "vivim_mails_total", Type::counter, "mails of mailboxes, by result", "result")
      .set("fetched", counts_.fetched)
      .set("broken", counts_.broken);
  Family(registry, "vivim_message_streams_refused_total", Type::counter,
         "streams refused because there were too many")
      .set(streams_.refused());
}

}  // namespace vivim::message
