#include <algorithm>

#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/message/messenger.hpp"
#include "vivim/message/sealed.hpp"

namespace vivim::message {

namespace {

/// Answers of a mailbox that are asked for on one stream.
constexpr std::size_t k_fetches_max = 1024;
/// How long a receipt is worth something.
constexpr std::chrono::seconds k_receipt_lifetime = k_lifetime_max;

store::MessageRow row_of(const Message& message, std::int64_t received_ms) {
  store::MessageRow row{.sender = to_bytes(message.from.bytes()),
                        .id = to_bytes(message.id.view()),
                        .topic = {},
                        .priority = static_cast<int>(message.priority),
                        .delivery = static_cast<int>(message.delivery),
                        .sent = message.time_ms,
                        .received = received_ms,
                        .payload = message.payload};
  if (const auto* topic = message.topic()) {
    row.topic = *topic;
  }
  return row;
}

std::vector<MessageId> receipt_ids(const Message& receipt) {
  std::vector<MessageId> ids;
  const std::size_t size = MessageId().bytes.size();
  for (std::size_t at = 0; at + size <= receipt.payload.size(); at += size) {
    ids.push_back(*MessageId::from_bytes(BytesView(receipt.payload).subspan(at, size)));
  }
  return ids;
}

}  // namespace

rt::Co<void> Messenger::serve(libp2p::InboundStream inbound) {
  const auto place = streams_.enter(inbound.peer);
  if (!place) {
    inbound.stream->reset(to_value(libp2p::ResetCode::limit_exceeded));
    co_return;
  }
  Conversation conversation(std::move(inbound.stream), loop_, options_.times.wait_max);
  co_await answer_all(conversation);
}

rt::Co<void> Messenger::answer_all(Conversation& conversation) {
  for (std::size_t count = 0; count < options_.frames_max; ++count) {
    auto frame = co_await conversation.read_or_end();
    if (frame && !*frame) {
      co_await conversation.finish();
      co_return;
    }
    auto* send = frame ? std::get_if<Send>(&**frame) : nullptr;
    if (send == nullptr) {
      ++counts_.broken;
      co_return;
    }
    const auto [status, message, fresh] = co_await take(std::move(send->envelope));
    const Receipt receipt{.id = message ? message->id : MessageId(), .status = status};
    if (!co_await conversation.write(receipt)) {
      co_return;
    }
  }
}

rt::Co<Messenger::TakenMessage> Messenger::take(Bytes envelope) {
  auto judged = inbox_.judge(
      envelope, {.monotonic = loop_.clock().now(), .wall_ms = loop_.clock().wall_now_ms()});
  if (judged.answer) {
    co_return TakenMessage{.status = *judged.answer, .message = std::move(judged.message)};
  }
  using Kept = store::Messages::Taken;
  const Message& message = *judged.message;
  Kept kept = Kept::fresh;
  if (message.kind == Kind::receipt) {
    co_await take_receipt(message);
  } else {
    kept = co_await keep(message);
  }
  if (kept == Kept::full) {
    co_return TakenMessage{.status = Status::full, .message = std::move(judged.message)};
  }
  inbox_.taken(message);
  co_return TakenMessage{.status = Status::arrived,
                         .message = std::move(judged.message),
                         .fresh = kept == Kept::fresh};
}

/// What cannot be written is as what there is no room for.
rt::Co<store::Messages::Taken> Messenger::keep(const Message& message) {
  using Kept = store::Messages::Taken;
  const auto row = row_of(message, loop_.clock().wall_now_ms());
  const auto mark = message.delivery == Delivery::exactly_once
                        ? std::optional(message.expires_ms() + k_clock_skew_max.count())
                        : std::nullopt;
  const auto kept = co_await store_.write(
      [&](store::Database& database) -> Result<Kept> {
        VIVIM_TRY(const Kept taken, store::Messages(database, options_.quota).take(row, mark));
        if (taken == Kept::fresh && options_.effect) {
          VIVIM_TRYV(options_.effect(database, message));
        }
        return taken;
      },
      row.payload.size());
  if (kept && *kept == Kept::fresh) {
    ++counts_.received;
    emit(MessageEvent::Kind::received, message.from, message.id, &message);
  }
  co_return kept.value_or(Kept::full);
}

rt::Co<void> Messenger::take_receipt(const Message& receipt) {
  for (const auto& id : receipt_ids(receipt)) {
    co_await settle(receipt.from, id, Status::arrived);
  }
}

void Messenger::start_fetching() {
  for (const auto& mailbox : keepers_) {
    if (fetching_.insert(mailbox).second) {
      tasks_.spawn("mailbox", fetch(mailbox));
    }
  }
  for (const auto& address : options_.mailboxes) {
    if (!host_.connected(*address.peer())) {
      tasks_.spawn("reach a mailbox", reach_mailbox(address));
    }
  }
}

rt::Co<void> Messenger::reach_mailbox(Multiaddr mailbox) {
  (void)co_await host_.connect(std::move(mailbox));  // what follows is an event
}

rt::Co<void> Messenger::fetch(PeerId mailbox) {
  constexpr std::size_t k_answer_bytes_max = k_mails_bytes_max + k_frame_bytes_max;
  auto conversation = co_await converse({.peer = mailbox, .addresses = {}}, k_mailbox_protocol_id,
                                        k_answer_bytes_max);
  bool left = false;  // something that we may take later
  for (std::size_t i = 0; conversation && i < k_fetches_max && !tasks_.stopping(); ++i) {
    if (!co_await (*conversation)->write(Fetch{.wait = true})) {
      break;
    }
    auto frame = co_await (*conversation)->read();
    auto* mails = frame ? std::get_if<Mails>(&*frame) : nullptr;
    if (mails == nullptr) {
      break;
    }
    // Another stream begins with the first again.
    if (mails->mails.empty()
            ? left
            : !co_await take_mails(**conversation, mailbox, std::move(*mails), left)) {
      break;
    }
  }
  fetching_.erase(mailbox);
}

/// False: there is no use in asking for more now.
rt::Co<bool> Messenger::take_mails(Conversation& conversation, PeerId mailbox, Mails mails,
                                   bool& left) {
  Taken taken;
  Arrived arrived;
  bool more = true;
  for (const auto& mail : mails.mails) {
    const auto came = co_await take_mail(mailbox, mail, arrived);
    if (came.status == Status::slow_down || came.status == Status::full) {
      left = true;
    } else {
      taken.items.push_back(mail.item);
    }
    if (!came.fresh && !idle_mails_.take(mailbox, loop_.clock().now().time_since_epoch())) {
      more = false;
      break;
    }
  }
  // The receipts are durable before the mailbox forgets: the senders learn of it in any case.
  if (!co_await acknowledge(std::move(arrived))) {
    co_return false;
  }
  if (taken.items.empty()) {
    co_return more;
  }
  if (!co_await conversation.write(std::move(taken))) {
    co_return false;
  }
  const auto frame = co_await conversation.read();
  const auto* receipt = frame ? std::get_if<Receipt>(&*frame) : nullptr;
  co_return receipt != nullptr && receipt->status == Status::arrived&& more;
}

rt::Co<Messenger::TakenMessage> Messenger::take_mail(const PeerId& mailbox, const Mail& mail,
                                                     Arrived& arrived) {
  ++counts_.fetched;
  auto envelope =
      mail.to == self_ ? open_mail(own_, mail) : Result<Bytes>(fail(MessageError::not_for_us));
  if (!envelope) {
    ++counts_.broken;
    co_return TakenMessage{.status = Status::refused, .message = {}};
  }
  auto came = co_await take(std::move(*envelope));
  const auto& message = came.message;
  if (!message || came.status == Status::slow_down || came.status == Status::full) {
    co_return came;
  }
  came_through_.put(message->from, mailbox);
  if (came.status == Status::arrived && message->kind == Kind::data &&
      message->delivery != Delivery::best_effort &&
      acknowledged_.find({message->from, message->id}) == nullptr) {
    arrived[message->from].push_back(message->id);
  }
  co_return came;
}

rt::Co<Result<void>> Messenger::acknowledge(Arrived arrived) {
  for (auto& [sender, ids] : arrived) {
    Message receipt{.time_ms = loop_.clock().wall_now_ms(),
                    .lifetime = k_receipt_lifetime,
                    .from = self_,
                    .to = sender,
                    .priority = Priority::high,
                    .delivery = Delivery::at_least_once,
                    .kind = Kind::receipt};
    for (const auto& id : ids) {
      append(receipt.payload, id.view());
    }
    rng_.fill(receipt.id.bytes);
    VIVIM_CO_TRYV(co_await queue(receipt));
    note_receipt(receipt);
  }
  co_return Result<void>();
}

void Messenger::note_receipt(const Message& message) {
  if (message.kind == Kind::receipt) {
    for (const auto& id : receipt_ids(message)) {
      acknowledged_.put({*message.recipient(), id}, true);
    }
  }
}

}  // namespace vivim::message
