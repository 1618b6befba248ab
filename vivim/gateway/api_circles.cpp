#include "vivim/gateway/api.hpp"
#include "vivim/gateway/api_json.hpp"
#include "vivim/gateway/json_members_detail.hpp"

namespace vivim::gateway {

namespace {

using members::text;

constexpr std::size_t k_circle_name_bytes_max = 256;
constexpr std::size_t k_secret_characters = 64;
constexpr std::size_t k_subtopic_bytes_max = 128;
constexpr std::size_t k_said_text_bytes_max = (std::size_t{64} << 10) - 64;

void write(chat::JsonWriter& writer, const CircleStatus& circle) {
  writer.begin_object();
  text(writer, "id", circle.id);
  text(writer, "name", circle.name);
  text(writer, "secret", circle.secret);
  text(writer, "topic", circle.topic);
  writer.key("members");
  writer.raw(std::to_string(circle.members));
  writer.end_object();
}

}  // namespace

CirclesApi::CirclesApi(Router& router, MessageService& messages) : messages_(messages) {
  using enum Method;
  router.add(this, &CirclesApi::list, {get, "/api/v2/circles", "listCircles"});
  router.add(this, &CirclesApi::join, {post, "/api/v2/circles", "joinCircle", BodyKind::json});
  router.add(this, &CirclesApi::leave, {del, "/api/v2/circles/{id}", "leaveCircle"});
  router.add(this, &CirclesApi::say,
             {post, "/api/v2/circles/{id}/messages", "sayToCircle", BodyKind::json});
}

Co<Outcome<Response>> CirclesApi::list(Call) {
  VIVIM_CO_TRY(const auto circles, co_await messages_.circles());
  std::string out;
  chat::JsonWriter writer(out);
  writer.begin_object();
  writer.key("circles");
  writer.begin_array();
  for (const auto& circle : circles) {
    write(writer, circle);
  }
  writer.end_array();
  writer.end_object();
  co_return json_response(std::move(out));
}

Co<Outcome<Response>> CirclesApi::join(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto name, body.optional_text("name", k_circle_name_bytes_max));
  VIVIM_CO_TRY(auto secret, body.optional_text("secret", k_secret_characters));
  VIVIM_CO_TRY(const auto circle, co_await messages_.join_circle(std::move(name).value_or(""),
                                                                 std::move(secret).value_or("")));
  std::string out;
  chat::JsonWriter writer(out);
  write(writer, circle);
  co_return json_response(std::move(out), 201);
}

Co<Outcome<Response>> CirclesApi::leave(Call call) {
  VIVIM_CO_TRYV(co_await messages_.leave_circle(call.parameter("id")));
  co_return Response::no_content();
}

Co<Outcome<Response>> CirclesApi::say(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto said, body.text("text", k_said_text_bytes_max));
  VIVIM_CO_TRY(auto subtopic, body.optional_text("subtopic", k_subtopic_bytes_max));
  VIVIM_CO_TRY(const auto id,
               co_await messages_.say(call.parameter("id"), std::move(subtopic).value_or(""),
                                      std::move(said)));
  co_return json_response(to_json_object("id", id), 201);
}

}  // namespace vivim::gateway
