#include "vivim/node/message_service.hpp"

#include "vivim/store/error.hpp"

namespace vivim::node {

namespace {

using message::MessageError;

std::string_view name_of(message::MessageEvent::Kind kind) {
  using Kind = message::MessageEvent::Kind;
  switch (kind) {
    case Kind::received:
      return "received";
    case Kind::delivered:
      return "delivered";
    case Kind::stored:
      return "stored";
    case Kind::expired:
      return "expired";
    case Kind::refused:
      return "refused";
  }
  return "refused";
}

Problem bad_word(std::string_view what, const std::string& word, const char* allowed) {
  return {.kind = ProblemKind::bad_input,
          .code = "bad_" + std::string(what),
          .message = "'" + word + "' is no " + std::string(what) + " of a message.",
          .hint = std::string("One of ") + allowed + "."};
}

Outcome<message::Draft> draft_of(gateway::NewMessage& wanted) {
  const auto to = multiformats::PeerId::parse(wanted.to);
  if (!to) {
    return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                   .code = "bad_peer",
                                   .message = "'" + wanted.to + "' is no node's id.",
                                   .hint = "Such as 12D3KooW...; the other node's: vivim id"});
  }
  message::Draft draft{.to = *to, .payload = to_bytes(as_bytes(wanted.text))};
  const auto priority = message::parse_priority(wanted.priority);
  if (!priority) {
    return std::unexpected(bad_word("priority", wanted.priority, "critical, high, normal, low"));
  }
  const auto delivery = message::parse_delivery(wanted.delivery);
  if (!delivery) {
    return std::unexpected(
        bad_word("delivery", wanted.delivery, "best-effort, at-least-once, exactly-once"));
  }
  draft.priority = *priority;
  draft.delivery = *delivery;
  if (wanted.lifetime_s) {
    draft.lifetime = std::chrono::seconds(*wanted.lifetime_s);
  }
  return draft;
}

Problem send_problem(const Error& error) {
  auto problem = Problem::from(error, "Could not send the message");
  if (error.is(MessageError::full)) {
    problem.kind = ProblemKind::unavailable;
    problem.hint = "Others must go first: vivim message list shows what is on its way.";
  } else if (error.is(MessageError::unknown_recipient)) {
    problem.kind = ProblemKind::bad_input;
    problem.message = "A node cannot write to itself.";
    problem.hint = "Give another node's id.";
  } else if (error.is(MessageError::malformed) || error.is(MessageError::too_large)) {
    problem.kind = ProblemKind::bad_input;
    problem.hint = "At most 64 KiB of text, and a lifetime of 1 second to 14 days.";
  }
  return problem;
}

gateway::ReceivedMessage describe(store::MessageRow& row) {
  const auto from = multiformats::PeerId::from_bytes(row.sender);
  return {.number = row.seq,
          .id = to_hex(row.id),
          .from = from ? from->to_string() : "",
          .topic = std::move(row.topic),
          .priority = std::string(to_string(static_cast<message::Priority>(row.priority))),
          .delivery = std::string(to_string(static_cast<message::Delivery>(row.delivery))),
          .sent_ms = row.sent,
          .received_ms = row.received,
          .payload = std::move(row.payload)};
}

gateway::SendingMessage describe(const message::Pending& pending) {
  return {.id = pending.id.to_text(),
          .to = pending.to.to_string(),
          .priority = std::string(to_string(pending.priority)),
          .delivery = std::string(to_string(pending.delivery)),
          .expires_ms = pending.expires_ms,
          .stored = pending.stored};
}

}  // namespace

MessageService::MessageService(Context context, const crypto::KeyPair& key)
    : context_(context), key_(key.clone()) {}

rt::Co<Outcome<void>> MessageService::start(const MessageConfig& config) {
  if (config.mailbox_server) {
    mailbox_.emplace(context_.host, context_.loop, context_.store);
    if (const auto& status = mailbox_->status(); !status) {
      co_return std::unexpected(
          Problem::from(status.error(), "Could not begin to keep messages for others"));
    }
  }
  messenger_.emplace(
      context_.host, context_.loop, context_.store, context_.rng, key_,
      message::MessengerOptions{
          .mailboxes = config.mailboxes, .on_event = [this](const message::MessageEvent& event) {
            context_.events.publish(gateway::message_event(
                name_of(event.kind), event.peer.to_string(), event.id.to_text()));
          }});
  if (const auto started = co_await messenger_->start(); !started) {
    co_return std::unexpected(Problem::from(started.error(), "Could not begin to send messages"));
  }
  co_return Outcome<void>();
}

void MessageService::stop_waiting() {
  if (mailbox_) {
    mailbox_->stop();
  }
}

rt::Co<void> MessageService::stop() {
  if (messenger_) {
    co_await messenger_->stop();
  }
}

rt::Co<Outcome<std::string>> MessageService::send(gateway::NewMessage wanted) {
  VIVIM_CO_TRY(auto draft, draft_of(wanted));
  if (!messenger_) {
    co_return std::unexpected(Problem{.kind = ProblemKind::unavailable,
                                      .code = "node_not_running",
                                      .message = "No node runs on this home.",
                                      .hint = "Start it with: vivim run"});
  }
  const auto id = co_await messenger_->send(std::move(draft));
  if (!id) {
    co_return std::unexpected(send_problem(id.error()));
  }
  co_return id->to_text();
}

rt::Co<Outcome<gateway::MessageList>> MessageService::messages(std::size_t limit) {
  auto rows = co_await context_.store.read(
      [limit](store::Database& database) { return store::Messages(database).newest(limit); });
  if (!rows) {
    co_return std::unexpected(Problem::from(rows.error(), "Could not read the messages"));
  }
  gateway::MessageList list;
  for (auto& row : *rows) {
    list.received.push_back(describe(row));
  }
  if (messenger_) {
    for (const auto& pending : messenger_->pending()) {
      list.sending.push_back(describe(pending));
    }
  }
  co_return std::move(list);
}

rt::Co<Outcome<void>> MessageService::remove_message(std::int64_t number) {
  const auto removed = co_await context_.store.write(
      [number](store::Database& database) { return store::Messages(database).remove(number); });
  if (!removed && removed.error().is(store::StoreError::not_found)) {
    co_return std::unexpected(
        Problem{.kind = ProblemKind::not_found,
                .code = "message_not_found",
                .message = "There is no message " + std::to_string(number) + ".",
                .hint = "List them with: vivim message list"});
  }
  if (!removed) {
    co_return std::unexpected(Problem::from(removed.error(), "Could not remove the message"));
  }
  co_return Outcome<void>();
}

}  // namespace vivim::node
