#include "vivim/base/utf8.hpp"
#include "vivim/gateway/api.hpp"
#include "vivim/gateway/api_json.hpp"
#include "vivim/gateway/json_members_detail.hpp"
#include "vivim/multiformats/multibase.hpp"

namespace vivim::gateway {

namespace {

using chat::JsonWriter;
using members::number;
using members::text;

constexpr std::size_t k_topic_bytes_max = 1024;
constexpr std::uint64_t k_number_max = std::uint64_t{1} << 53;

/// Text as it is, anything else as base64url.
void write_message(JsonWriter& writer, const TopicMessage& message) {
  number(writer, "number", message.number);
  text(writer, "topic", message.topic);
  text(writer, "id", message.id);
  if (!message.author.empty()) {
    text(writer, "author", message.author);
  }
  number(writer, "received", static_cast<std::uint64_t>(message.received_ms));
  if (is_utf8(as_text(message.data))) {
    text(writer, "text", as_text(message.data));
  } else {
    text(writer, "data", multiformats::encode(multiformats::Base::base64url, message.data));
  }
}

Problem bad_data() {
  return {.kind = ProblemKind::bad_input,
          .code = "bad_member",
          .message = "A message has either \"text\", or \"data\" in base64url without padding.",
          .hint = "See /api/v2/openapi.json."};
}

Outcome<Bytes> data_of(const JsonBody& body) {
  VIVIM_TRY(const auto words, body.optional_text("text", k_topic_message_bytes_max));
  VIVIM_TRY(const auto encoded, body.optional_text("data", k_topic_message_bytes_max));
  if (words.has_value() == encoded.has_value()) {
    return std::unexpected(bad_data());
  }
  if (words) {
    return to_bytes(*words);
  }
  auto bytes = multiformats::decode(multiformats::Base::base64url, *encoded);
  return bytes ? Outcome<Bytes>(std::move(*bytes)) : std::unexpected(bad_data());
}

}  // namespace

TopicsApi::TopicsApi(Router& router, TopicService& topics) : topics_(topics) {
  using enum Method;
  router.add(this, &TopicsApi::list, {get, "/api/v2/topics", "listTopics"});
  router.add(this, &TopicsApi::subscribe,
             {post, "/api/v2/topics/subscribe", "subscribeTopic", BodyKind::json});
  router.add(this, &TopicsApi::unsubscribe,
             {post, "/api/v2/topics/unsubscribe", "unsubscribeTopic", BodyKind::json});
  router.add(this, &TopicsApi::publish,
             {post, "/api/v2/topics/publish", "publishToTopic", BodyKind::json,
              2 * k_topic_message_bytes_max});
  router.add(this, &TopicsApi::messages, {get, "/api/v2/topics/messages", "listTopicMessages"});
}

Co<Outcome<Response>> TopicsApi::list(Call) {
  VIVIM_CO_TRY(const auto topics, co_await topics_.topics());
  co_return json_response(to_json(topics));
}

Co<Outcome<Response>> TopicsApi::subscribe(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto topic, body.text("topic", k_topic_bytes_max));
  VIVIM_CO_TRY(const bool is_new, co_await topics_.subscribe(std::move(topic)));
  co_return json_response(is_new ? R"({"subscribed":true,"new":true})"
                                 : R"({"subscribed":true,"new":false})");
}

Co<Outcome<Response>> TopicsApi::unsubscribe(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto topic, body.text("topic", k_topic_bytes_max));
  VIVIM_CO_TRYV(co_await topics_.unsubscribe(std::move(topic)));
  co_return json_response(R"({"subscribed":false})");
}

Co<Outcome<Response>> TopicsApi::publish(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto topic, body.text("topic", k_topic_bytes_max));
  VIVIM_CO_TRY(auto data, data_of(body));
  VIVIM_CO_TRY(const auto published, co_await topics_.publish(std::move(topic), std::move(data)));
  co_return json_response(to_json(published));
}

Co<Outcome<Response>> TopicsApi::messages(Call call) {
  std::string topic(call.query("topic"));
  VIVIM_CO_TRY(const auto after, call.query_number("after", 0, k_number_max));
  VIVIM_CO_TRY(const auto messages, co_await topics_.messages(std::move(topic), after));
  co_return json_response(to_json(messages));
}

std::string to_json(const std::vector<TopicStatus>& topics) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  writer.key("topics");
  writer.begin_array();
  for (const TopicStatus& topic : topics) {
    writer.begin_object();
    text(writer, "topic", topic.topic);
    writer.key("subscribed");
    writer.boolean(topic.subscribed);
    number(writer, "peers", topic.peers);
    number(writer, "mesh_peers", topic.mesh_peers);
    writer.end_object();
  }
  writer.end_array();
  writer.end_object();
  return out;
}

std::string to_json(const PublishedStatus& published) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  text(writer, "id", published.id);
  number(writer, "peers", published.peers);
  writer.end_object();
  return out;
}

std::string to_json(const TopicMessages& messages) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  writer.key("messages");
  writer.begin_array();
  for (const TopicMessage& message : messages.messages) {
    writer.begin_object();
    write_message(writer, message);
    writer.end_object();
  }
  writer.end_array();
  number(writer, "last", messages.last);
  writer.end_object();
  return out;
}

std::string topic_message_event(const TopicMessage& message) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  text(writer, "type", "topic:message");
  write_message(writer, message);
  writer.end_object();
  return out;
}

}  // namespace vivim::gateway
