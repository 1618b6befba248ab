#include "apps/vivim/api.hpp"

#include "apps/vivim/json.hpp"

namespace vivim::cli {

namespace {

ProblemKind kind_of(unsigned status) {
  switch (status) {
    case 401:
    case 403:
    case 421:
      return ProblemKind::refused;
    case 404:
      return ProblemKind::not_found;
    case 409:
      return ProblemKind::conflict;
    case 503:
      return ProblemKind::unavailable;
    default:
      return status >= 400 && status < 500 ? ProblemKind::bad_input : ProblemKind::internal;
  }
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

Problem problem_of(const ApiResponse& response) {
  const auto json = parse_json(response.body);
  const std::string detail = json ? text_at(*json, "detail") : "";
  if (detail.empty()) {
    return {
        .kind = kind_of(response.status),
        .code = "http_" + std::to_string(response.status),
        .message = "The node answered with HTTP status " + std::to_string(response.status) + ".",
        .hint = "Are the node and this program of the same version? See: vivim version"};
  }
  return {.kind = kind_of(response.status),
          .code = text_at(*json, "code"),
          .message = detail,
          .hint = text_at(*json, "hint")};
}

Outcome<std::string> body_of(Outcome<ApiResponse> response) {
  if (!response) {
    return std::unexpected(std::move(response).error());
  }
  auto& answer = *response;
  if (answer.status < 200 || answer.status > 299) {
    return std::unexpected(problem_of(answer));
  }
  return std::move(answer.body);
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view k_hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(k_hex[byte >> 4]);
      out.push_back(k_hex[byte & 15]);
    }
  }
  return out;
}

}  // namespace vivim::cli
