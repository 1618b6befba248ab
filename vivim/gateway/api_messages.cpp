#include <charconv>

#include "vivim/base/utf8.hpp"
#include "vivim/gateway/api.hpp"
#include "vivim/gateway/api_json.hpp"
#include "vivim/gateway/json_members_detail.hpp"

namespace vivim::gateway {

namespace {

using members::text;

constexpr std::size_t k_peer_bytes_max = 128;
constexpr std::size_t k_message_text_bytes_max = std::size_t{64} << 10;
constexpr std::size_t k_word_bytes_max = 32;
constexpr std::uint64_t k_lifetime_s_max = std::uint64_t{14} * 24 * 3600;
constexpr std::uint64_t k_messages_listed_default = 50;
constexpr std::uint64_t k_messages_listed_max = 1000;

void write(chat::JsonWriter& writer, const ReceivedMessage& message) {
  writer.begin_object();
  writer.key("number");
  writer.raw(std::to_string(message.number));
  text(writer, "id", message.id);
  text(writer, "from", message.from);
  if (message.topic) {
    text(writer, "topic", *message.topic);
  }
  text(writer, "priority", message.priority);
  text(writer, "delivery", message.delivery);
  writer.key("sent_ms");
  writer.raw(std::to_string(message.sent_ms));
  writer.key("received_ms");
  writer.raw(std::to_string(message.received_ms));
  if (is_utf8(as_text(message.payload))) {
    text(writer, "text", as_text(message.payload));
  } else {
    text(writer, "hex", to_hex(message.payload));
  }
  writer.end_object();
}

void write(chat::JsonWriter& writer, const SendingMessage& message) {
  writer.begin_object();
  text(writer, "id", message.id);
  text(writer, "to", message.to);
  text(writer, "priority", message.priority);
  text(writer, "delivery", message.delivery);
  text(writer, "state", message.stored ? "stored" : "waiting");
  writer.key("expires_ms");
  writer.raw(std::to_string(message.expires_ms));
  writer.end_object();
}

template <class Messages>
void write_all(chat::JsonWriter& writer, std::string_view name, const Messages& messages) {
  writer.key(name);
  writer.begin_array();
  for (const auto& message : messages) {
    write(writer, message);
  }
  writer.end_array();
}

std::string to_json(const MessageList& list) {
  std::string out;
  chat::JsonWriter writer(out);
  writer.begin_object();
  write_all(writer, "received", list.received);
  write_all(writer, "sending", list.sending);
  writer.end_object();
  return out;
}

Outcome<std::int64_t> number_of(const std::string& text) {
  std::int64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                   .code = "bad_message_number",
                                   .message = "A message is named by its number.",
                                   .hint = "List them with: vivim message list"});
  }
  return number;
}

}  // namespace

MessagesApi::MessagesApi(Router& router, MessageService& messages) : messages_(messages) {
  using enum Method;
  router.add(this, &MessagesApi::list, {get, "/api/v2/messages", "listMessages"});
  router.add(this, &MessagesApi::send, {post, "/api/v2/messages", "sendMessage", BodyKind::json});
  router.add(this, &MessagesApi::remove, {del, "/api/v2/messages/{number}", "removeMessage"});
  router.add(this, &MessagesApi::remove_from, {del, "/api/v2/messages", "removeMessagesFrom"});
}

Co<Outcome<Response>> MessagesApi::list(Call call) {
  VIVIM_CO_TRY(const auto limit,
               call.query_number("limit", k_messages_listed_default, k_messages_listed_max));
  VIVIM_CO_TRY(const auto list, co_await messages_.messages(limit));
  co_return json_response(to_json(list));
}

Co<Outcome<Response>> MessagesApi::send(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  NewMessage message;
  VIVIM_CO_TRY(message.to, body.text("to", k_peer_bytes_max));
  VIVIM_CO_TRY(message.text, body.text("text", k_message_text_bytes_max));
  VIVIM_CO_TRY(auto priority, body.optional_text("priority", k_word_bytes_max));
  VIVIM_CO_TRY(auto delivery, body.optional_text("delivery", k_word_bytes_max));
  VIVIM_CO_TRY(message.lifetime_s, body.optional_whole("lifetime_s", k_lifetime_s_max));
  message.priority = std::move(priority).value_or(message.priority);
  message.delivery = std::move(delivery).value_or(message.delivery);
  VIVIM_CO_TRY(const auto id, co_await messages_.send(std::move(message)));
  co_return json_response(to_json_object("id", id), 201);
}

Co<Outcome<Response>> MessagesApi::remove(Call call) {
  VIVIM_CO_TRY(const auto number, number_of(call.parameter("number")));
  VIVIM_CO_TRYV(co_await messages_.remove_message(number));
  co_return Response::no_content();
}

Co<Outcome<Response>> MessagesApi::remove_from(Call call) {
  std::string from(call.query("from"));
  if (from.empty()) {
    co_return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                      .code = "bad_peer",
                                      .message = "Whose messages go is missing.",
                                      .hint = "Such as /api/v2/messages?from=12D3KooW..."});
  }
  VIVIM_CO_TRY(const auto removed, co_await messages_.remove_messages_from(std::move(from)));
  co_return json_response(R"({"removed":)" + std::to_string(removed) + "}");
}

}  // namespace vivim::gateway
