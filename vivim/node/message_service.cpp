#include "vivim/node/message_service.hpp"

#include <algorithm>

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

Problem bad_peer(const std::string& text) {
  return {.kind = ProblemKind::bad_input,
          .code = "bad_peer",
          .message = "'" + text + "' is no node's id.",
          .hint = "Such as 12D3KooW...; the other node's: vivim id"};
}

Outcome<message::Draft> draft_of(gateway::NewMessage& wanted) {
  const auto to = multiformats::PeerId::parse(wanted.to);
  if (!to) {
    return std::unexpected(bad_peer(wanted.to));
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

Problem no_circles() {
  return {.kind = ProblemKind::unavailable,
          .code = "no_circles",
          .message = "Circles need a node that runs and gossips.",
          .hint = "Start it with: vivim run. In config.toml, [pubsub] enabled must not be false."};
}

Problem no_such_circle(const std::string& id) {
  return {.kind = ProblemKind::not_found,
          .code = "circle_not_found",
          .message = "This node is in no circle '" + id + "'.",
          .hint = "List them with: vivim circle list"};
}

gateway::CircleStatus describe(const message::Circles::Info& circle) {
  return {.id = circle.id.to_text(),
          .name = circle.name,
          .secret = circle.secret_hex,
          .topic = message::CircleTopic{.circle = circle.id, .subtopic = {}}.to_text(),
          .members = circle.members};
}

/// The secret that was given in hexadecimal, or a new one.
Outcome<message::CircleSecret> secret_of(const std::string& text, rt::Rng& rng) {
  message::CircleSecret secret;
  if (text.empty()) {
    rng.fill(secret.writable());
    return secret;
  }
  // 64 digits, as two ids of 32.
  const auto first = message::MessageId::parse(std::string_view(text).substr(0, 32));
  const auto second =
      message::MessageId::parse(std::string_view(text).substr(std::min(text.size(), 32UL)));
  if (!first || !second) {
    return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                   .code = "bad_secret",
                                   .message = "That is no circle's secret.",
                                   .hint = "64 hexadecimal digits; vivim circle list --json shows "
                                           "those of the circles that a node is in."});
  }
  std::ranges::copy(first->bytes, secret.writable().begin());
  std::ranges::copy(second->bytes, secret.writable().subspan(16).begin());
  return secret;
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
  const auto on_message = [this](const message::MessageEvent& event) {
    context_.events.publish(
        gateway::message_event(name_of(event.kind), event.peer.to_string(), event.id.to_text()));
  };
  const auto on_said = [this](const message::CircleMessage& said) {
    context_.events.publish(gateway::message_event("received", said.message.from.to_string(),
                                                   said.message.id.to_text(),
                                                   said.topic.to_text()));
  };
  post_.emplace(
      message::Post::Context{.host = context_.host,
                             .loop = context_.loop,
                             .store = context_.store,
                             .rng = context_.rng},
      key_,
      message::PostOptions{.messenger = {.mailboxes = config.mailboxes, .on_event = on_message},
                           .circles = {.on_message = on_said},
                           .keeps_for_others = config.mailbox_server});
  if (const auto started = co_await post_->start(); !started) {
    co_return std::unexpected(
        Problem::from(started.error(), "Could not begin to send and keep messages"));
  }
  co_return Outcome<void>();
}

rt::Co<Outcome<void>> MessageService::start_circles(libp2p::gossipsub::Service& gossip) {
  if (const auto started = co_await post_->start_circles(gossip); !started) {
    co_return std::unexpected(Problem::from(started.error(), "Could not join the circles"));
  }
  co_return Outcome<void>();
}

void MessageService::stop_waiting() {
  if (post_) {
    post_->stop_waiting();
  }
}

rt::Co<void> MessageService::stop() {
  if (post_) {
    co_await post_->stop();
  }
}

message::Circles* MessageService::circles_of_node() {
  return post_ ? post_->circles() : nullptr;
}

rt::Co<Outcome<std::string>> MessageService::send(gateway::NewMessage wanted) {
  VIVIM_CO_TRY(auto draft, draft_of(wanted));
  if (!post_) {
    co_return std::unexpected(Problem{.kind = ProblemKind::unavailable,
                                      .code = "node_not_running",
                                      .message = "No node runs on this home.",
                                      .hint = "Start it with: vivim run"});
  }
  const auto id = co_await post_->messenger().send(std::move(draft));
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
  if (post_) {
    for (const auto& pending : post_->messenger().pending()) {
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

rt::Co<Outcome<std::uint64_t>> MessageService::remove_messages_from(std::string peer) {
  constexpr std::size_t k_at_once = 256;
  const auto sender = multiformats::PeerId::parse(peer);
  if (!sender) {
    co_return std::unexpected(bad_peer(peer));
  }
  std::uint64_t removed = 0;
  for (;;) {
    const auto some = co_await context_.store.write([&sender](store::Database& database) {
      return store::Messages(database).remove_from(sender->bytes(), k_at_once);
    });
    if (!some) {
      co_return std::unexpected(Problem::from(some.error(), "Could not remove the messages"));
    }
    removed += static_cast<std::uint64_t>(*some);
    if (*some == 0) {
      co_return removed;
    }
  }
}

rt::Co<Outcome<std::vector<gateway::CircleStatus>>> MessageService::circles() {
  auto* const circles = circles_of_node();
  if (circles == nullptr) {
    co_return std::unexpected(no_circles());
  }
  std::vector<gateway::CircleStatus> all;
  for (const auto& circle : circles->list()) {
    all.push_back(describe(circle));
  }
  co_return std::move(all);
}

rt::Co<Outcome<gateway::CircleStatus>> MessageService::join_circle(std::string name,
                                                                   std::string secret) {
  auto* const circles = circles_of_node();
  if (circles == nullptr) {
    co_return std::unexpected(no_circles());
  }
  VIVIM_CO_TRY(auto chosen, secret_of(secret, context_.rng));
  const auto joined = co_await post_->join(std::move(chosen), std::move(name));
  if (!joined) {
    co_return std::unexpected(Problem::from(joined.error(), "Could not join the circle"));
  }
  const auto all = circles->list();
  const auto found = std::ranges::find(all, joined->id, &message::Circles::Info::id);
  if (found == all.end()) {
    co_return std::unexpected(no_such_circle(joined->id.to_text()));
  }
  co_return describe(*found);
}

rt::Co<Outcome<void>> MessageService::leave_circle(std::string id) {
  auto* const circles = circles_of_node();
  if (circles == nullptr) {
    co_return std::unexpected(no_circles());
  }
  const auto parsed = message::CircleId::parse(id);
  const auto left =
      parsed ? co_await circles->leave(*parsed) : Result<void>(fail(MessageError::unknown));
  if (!left && left.error().is(MessageError::unknown)) {
    co_return std::unexpected(no_such_circle(id));
  }
  if (!left) {
    co_return std::unexpected(Problem::from(left.error(), "Could not leave the circle"));
  }
  co_return Outcome<void>();
}

rt::Co<Outcome<std::string>> MessageService::say(std::string id, std::string subtopic,
                                                 std::string text) {
  auto* const circles = circles_of_node();
  if (circles == nullptr) {
    co_return std::unexpected(no_circles());
  }
  const auto parsed = message::CircleId::parse(id);
  const auto said =
      parsed ? co_await circles->publish({.circle = *parsed, .subtopic = std::move(subtopic)},
                                         to_bytes(as_bytes(text)))
             : Result<message::MessageId>(fail(MessageError::unknown));
  if (!said && said.error().is(MessageError::unknown)) {
    co_return std::unexpected(no_such_circle(id));
  }
  if (!said) {
    co_return std::unexpected(send_problem(said.error()));
  }
  co_return said->to_text();
}

}  // namespace vivim::node
