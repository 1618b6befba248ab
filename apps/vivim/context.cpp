#include "apps/vivim/context.hpp"

#include <cstdio>

#include "apps/vivim/text.hpp"

namespace vivim::cli {

namespace {

constexpr std::size_t k_short_id_characters = 10;

}  // namespace

Outcome<std::string> request(Api& api, const ApiRequest& request) {
  return body_of(api.call(request));
}

Outcome<std::string> get(Api& api, std::string path) {
  return request(api, {.path = std::move(path)});
}

Outcome<Json> get_json(Api& api, std::string path) {
  VIVIM_TRY(const auto body, get(api, std::move(path)));
  return parse_answer(body);
}

Outcome<Json> post_json(Api& api, std::string path, const Json& body) {
  VIVIM_TRY(const auto answer,
            request(api, {.method = "POST", .path = std::move(path), .json = to_text(body)}));
  return parse_answer(answer);
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void print_json(std::string_view json) {
  print(json);
  if (!json.ends_with('\n')) {
    print("\n");
  }
}

void print_json(const Json& json) {
  print_json(to_text(json));
}

std::string conversation_path(std::string_view id) {
  return "/api/v2/conversations/" + percent_encode(id);
}

std::string short_id(std::string_view id) {
  return one_line(id.substr(0, k_short_id_characters));
}

}  // namespace vivim::cli
