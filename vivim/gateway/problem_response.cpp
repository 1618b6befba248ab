#include "vivim/gateway/problem_response.hpp"

#include "vivim/base/utf8.hpp"
#include "vivim/gateway/error.hpp"

namespace vivim::gateway {

namespace {

unsigned status_of_error(const Error& error) {
  if (error.is(GatewayError::header_too_large) || error.is(GatewayError::too_many_fields)) {
    return 431;
  }
  if (error.is(GatewayError::target_too_long)) {
    return 414;
  }
  if (error.is(GatewayError::bad_version)) {
    return 505;
  }
  if (error.is(GatewayError::unsupported_coding)) {
    return 501;
  }
  if (error.is(GatewayError::body_too_large)) {
    return 413;
  }
  return error.is(GatewayError::timed_out) ? 408 : 400;
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view k_hex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    out.push_back('\\');
    out.push_back(c);
  } else if (byte < 0x20) {
    out += "\\u00";
    out.push_back(k_hex[byte >> 4]);
    out.push_back(k_hex[byte & 15]);
  } else {
    out.push_back(c);
  }
}

}  // namespace

unsigned status_of(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::bad_input:
      return 400;
    case ProblemKind::not_found:
      return 404;
    case ProblemKind::refused:
      return 403;
    case ProblemKind::conflict:
      return 409;
    case ProblemKind::unavailable:
      return 503;
    case ProblemKind::internal:
      return 500;
  }
  return 500;
}

std::string json_quote(std::string_view text) {
  const bool valid = is_utf8(text);
  std::string out = "\"";
  for (const char c : text) {
    if (valid || static_cast<unsigned char>(c) < 0x80) {
      append_escaped(out, c);
    } else {
      out.push_back('?');
    }
  }
  return out + '"';
}

Response problem_response(const Problem& problem, unsigned status) {
  const unsigned code = status == 0 ? status_of(problem.kind) : status;
  std::string body = "{\"type\":\"about:blank\",\"title\":" + json_quote(reason_phrase(code)) +
                     ",\"status\":" + std::to_string(code) +
                     ",\"code\":" + json_quote(problem.code) +
                     ",\"detail\":" + json_quote(problem.message);
  if (!problem.hint.empty()) {
    body += ",\"hint\":" + json_quote(problem.hint);
  }
  Response response = Response::text(code, "application/problem+json", body + "}");
  response.headers.add("Cache-Control", "no-store");
  return response;
}

Response problem_response(const Error& error) {
  const auto info = error.domain().describe(error.code());
  return problem_response(Problem{.kind = ProblemKind::bad_input,
                                  .code = std::string(info.name),
                                  .message = error.message(),
                                  .hint = ""},
                          status_of_error(error));
}

}  // namespace vivim::gateway
