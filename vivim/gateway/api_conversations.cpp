#include "vivim/gateway/api.hpp"
#include "vivim/gateway/api_json.hpp"

namespace vivim::gateway {

namespace {

constexpr std::size_t k_title_bytes_max = 4 * 1024;
constexpr std::size_t k_turn_id_bytes_max = 256;
constexpr std::size_t k_turn_text_bytes_max = 4 * 1024 * 1024;
constexpr std::uint64_t k_turn_body_bytes_max = 8 * 1024 * 1024;
constexpr std::size_t k_list_default = 50;
constexpr std::size_t k_cursor_bytes_max = 1024;

Outcome<store::ConversationSort> sort_of(const Call& call) {
  constexpr std::array<std::string_view, 3> k_sorts{"newest", "oldest", "title"};
  VIVIM_TRY(const auto name, call.query_choice("sort", k_sorts));
  return name == "newest"   ? store::ConversationSort::newest
         : name == "oldest" ? store::ConversationSort::oldest
                            : store::ConversationSort::title;
}

Outcome<chat::Role> role_of(const std::string& name) {
  const auto role = chat::parse_role(name);
  if (!role || *role == chat::Role::none) {
    return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                   .code = "bad_role",
                                   .message = "There is no such role.",
                                   .hint = "One of user, assistant, system, tool."});
  }
  return *role;
}

}  // namespace

ConversationsApi::ConversationsApi(Router& router, LibraryService& library) : library_(library) {
  using enum Method;
  constexpr std::string_view k_all = "/api/v2/conversations";
  constexpr std::string_view k_one = "/api/v2/conversations/{id}";
  constexpr std::string_view k_turn = "/api/v2/conversations/{id}/turns/{turn}";
  router.add(this, &ConversationsApi::list, {get, k_all, "listConversations"});
  router.add(this, &ConversationsApi::create, {post, k_all, "createConversation", BodyKind::json});
  router.add(this, &ConversationsApi::show, {get, k_one, "showConversation"});
  router.add(this, &ConversationsApi::rename, {patch, k_one, "renameConversation", BodyKind::json});
  router.add(this, &ConversationsApi::remove, {del, k_one, "removeConversation"});
  router.add(
      this, &ConversationsApi::add_turn,
      {post, "/api/v2/conversations/{id}/turns", "addTurn", BodyKind::json, k_turn_body_bytes_max});
  router.add(this, &ConversationsApi::edit_turn,
             {patch, k_turn, "editTurn", BodyKind::json, k_turn_body_bytes_max});
  router.add(this, &ConversationsApi::remove_turn, {del, k_turn, "removeTurn"});
  router.add(this, &ConversationsApi::export_file,
             {get, "/api/v2/conversations/{id}/export", "exportConversation"});
}

Co<Outcome<Response>> ConversationsApi::list(Call call) {
  VIVIM_CO_TRY(const auto sort, sort_of(call));
  VIVIM_CO_TRY(const auto limit,
               call.query_number("limit", k_list_default, store::k_page_rows_max));
  std::optional<std::string> after;
  if (const auto cursor = call.query("after"); !cursor.empty()) {
    after = cursor.substr(0, k_cursor_bytes_max);
  }
  VIVIM_CO_TRY(const auto page, co_await library_.list(sort, limit, std::move(after)));
  co_return json_response(to_json(page));
}

Co<Outcome<Response>> ConversationsApi::create(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto title, body.optional_text("title", k_title_bytes_max));
  VIVIM_CO_TRY(const auto id, co_await library_.create(std::move(title).value_or("")));
  auto response = json_response(to_json_object("id", id.to_text()), 201);
  response.headers.add("Location", "/api/v2/conversations/" + id.to_text());
  co_return std::move(response);
}

Co<Outcome<Response>> ConversationsApi::show(Call call) {
  VIVIM_CO_TRY(const auto id, co_await library_.resolve(call.parameter("id")));
  std::optional<std::string> branch;
  if (const auto turn = call.target.find("branch")) {
    branch = *turn;
  }
  VIVIM_CO_TRY(const auto conversation, co_await library_.read(id));
  VIVIM_CO_TRY(auto json, to_json(id, conversation, branch));
  co_return json_response(std::move(json));
}

Co<Outcome<Response>> ConversationsApi::rename(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto title, body.text("title", k_title_bytes_max));
  VIVIM_CO_TRY(const auto id, co_await library_.resolve(call.parameter("id")));
  VIVIM_CO_TRYV(co_await library_.rename(id, std::move(title)));
  co_return Response::no_content();
}

Co<Outcome<Response>> ConversationsApi::remove(Call call) {
  VIVIM_CO_TRY(const auto id, co_await library_.resolve(call.parameter("id")));
  VIVIM_CO_TRYV(co_await library_.remove(id));
  co_return Response::no_content();
}

Co<Outcome<Response>> ConversationsApi::add_turn(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  NewTurn turn;
  VIVIM_CO_TRY(turn.parent, body.optional_text("parent", k_turn_id_bytes_max));
  VIVIM_CO_TRY(const auto role, body.text("role", 16));
  VIVIM_CO_TRY(turn.role, role_of(role));
  VIVIM_CO_TRY(turn.text, body.text("text", k_turn_text_bytes_max));
  VIVIM_CO_TRY(const auto id, co_await library_.resolve(call.parameter("id")));
  VIVIM_CO_TRY(const auto turn_id, co_await library_.add_turn(id, std::move(turn)));
  co_return json_response(to_json_object("id", turn_id), 201);
}

Co<Outcome<Response>> ConversationsApi::edit_turn(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto text, body.text("text", k_turn_text_bytes_max));
  VIVIM_CO_TRY(const auto id, co_await library_.resolve(call.parameter("id")));
  VIVIM_CO_TRYV(co_await library_.edit_turn(id, call.parameter("turn"), std::move(text)));
  co_return Response::no_content();
}

Co<Outcome<Response>> ConversationsApi::remove_turn(Call call) {
  VIVIM_CO_TRY(const auto id, co_await library_.resolve(call.parameter("id")));
  VIVIM_CO_TRYV(co_await library_.remove_turn(id, call.parameter("turn")));
  co_return Response::no_content();
}

Co<Outcome<Response>> ConversationsApi::export_file(Call call) {
  constexpr std::array<std::string_view, 3> k_formats{"json", "md", "html"};
  VIVIM_CO_TRY(const auto format, call.query_choice("format", k_formats));
  VIVIM_CO_TRY(const auto id, co_await library_.resolve(call.parameter("id")));
  VIVIM_CO_TRY(auto file, co_await library_.export_file(id, *chat::parse_export_format(format)));
  Response response;
  response.headers.add("Content-Type", std::move(file.content_type));
  response.headers.add("Content-Disposition",
                       "attachment; filename*=UTF-8''" + percent_encode(file.file_name));
  // Somebody else's words: no scripts, nothing from elsewhere.
  response.headers.add("Content-Security-Policy",
                       "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:");
  response.body = std::move(file.body);
  co_return std::move(response);
}

}  // namespace vivim::gateway
