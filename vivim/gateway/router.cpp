#include "vivim/gateway/router.hpp"

#include <charconv>

#include "vivim/base/assert.hpp"
#include "vivim/gateway/error.hpp"
#include "vivim/gateway/problem_response.hpp"

namespace vivim::gateway {

namespace {

std::vector<std::string_view> split_template(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(1);
  while (!path.empty()) {
    const auto slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  return segments;
}

bool is_parameter(std::string_view segment) {
  return segment.starts_with('{');
}

bool fits(std::span<const std::string_view> pattern, const Target& target) {
  if (pattern.size() != target.segments.size() || (target.trailing_slash && !pattern.empty())) {
    return false;
  }
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (!is_parameter(pattern[i]) && pattern[i] != target.segments[i]) {
      return false;
    }
  }
  return true;
}

Response not_found() {
  return problem_response(Problem{.kind = ProblemKind::not_found,
                                  .code = "no_such_path",
                                  .message = "The API has no such path.",
                                  .hint = "See /api/v2/openapi.json."});
}

Response wrong_method(std::string allow) {
  auto response = problem_response(Problem{.kind = ProblemKind::bad_input,
                                           .code = "method_not_allowed",
                                           .message = "This path does not take that method.",
                                           .hint = "It takes: " + allow + "."},
                                   405);
  response.headers.add("Allow", std::move(allow));
  return response;
}

Response needs_upgrade() {
  auto response = problem_response(Problem{.kind = ProblemKind::bad_input,
                                           .code = "upgrade_required",
                                           .message = "This path speaks WebSocket only.",
                                           .hint = "Open it with a WebSocket client, version 13."},
                                   426);
  response.headers.add("Upgrade", "websocket");
  response.headers.add("Connection", "Upgrade");
  response.headers.add("Sec-WebSocket-Version", "13");
  return response;
}

Problem bad_parameter(std::string_view name, std::string_view expected) {
  return {.kind = ProblemKind::bad_input,
          .code = "bad_parameter",
          .message = "The query parameter '" + std::string(name) + "' must be " +
                     std::string(expected) + ".",
          .hint = ""};
}

bool is_json(std::string_view type) {
  return iequals(trim(type.substr(0, type.find(';'))), "application/json");
}

}  // namespace

const std::string& Call::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) {
      return value;
    }
  }
  VIVIM_ASSERT(false && "the route has no such parameter");
  return parameters.front().second;
}

Outcome<std::uint64_t> Call::query_number(std::string_view name, std::uint64_t otherwise,
                                          std::uint64_t max) const {
  const auto text = target.find(name);
  if (!text) {
    return otherwise;
  }
  std::uint64_t value = 0;
  const auto* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end || value > max) {
    return std::unexpected(bad_parameter(name, "a number up to " + std::to_string(max)));
  }
  return value;
}

Outcome<std::string> Call::query_choice(std::string_view name,
                                        std::span<const std::string_view> allowed) const {
  const auto text = target.find(name);
  if (!text) {
    return std::string(allowed.front());
  }
  if (std::ranges::find(allowed, *text) != allowed.end()) {
    return std::string(*text);
  }
  std::string choices = "one of";
  for (const auto choice : allowed) {
    choices += (choices == "one of" ? " " : ", ") + std::string(choice);
  }
  return std::unexpected(bad_parameter(name, choices));
}

void Router::add(Route route, RouteHandler handler) {
  for (const auto& entry : entries_) {
    VIVIM_ASSERT(entry.route.method != route.method || entry.route.path != route.path);
  }
  entries_.push_back(
      {.route = route, .segments = split_template(route.path), .handler = std::move(handler)});
}

std::vector<Route> Router::routes() const {
  std::vector<Route> all;
  for (const auto& entry : entries_) {
    all.push_back(entry.route);
  }
  return all;
}

Router::Match Router::find(const Target& target, Method method) const {
  Match match;
  const Method wanted = method == Method::head ? Method::get : method;
  const auto allow = [&match](std::string_view name) {
    match.allow += (match.allow.empty() ? "" : ", ") + std::string(name);
  };
  for (const auto& entry : entries_) {
    if (!fits(entry.segments, target)) {
      continue;
    }
    if (entry.route.method == wanted) {
      match.entry = &entry;
      return match;
    }
    allow(method_name(entry.route.method));
    if (entry.route.method == Method::get) {
      allow("HEAD");
    }
  }
  return match;
}

Co<Response> Router::dispatch(Request request) {
  auto target = parse_target(request.target);
  if (!target) {
    co_return problem_response(Error(GatewayError::bad_request));
  }
  const Match match = find(*target, request.method);
  if (match.entry == nullptr) {
    co_return match.allow.empty() ? not_found() : wrong_method(match.allow);
  }
  if (match.entry->route.protocol == RouteProtocol::websocket && !request.wants_websocket) {
    co_return needs_upgrade();
  }
  auto outcome = co_await call(*match.entry, std::move(request), std::move(*target));
  if (!outcome) {
    // 4xx codes that Problem's kinds do not tell apart.
    const std::string& code = outcome.error().code;
    const unsigned status = code == "body_too_large" ? 413 : code == "not_json" ? 415 : 0;
    co_return problem_response(outcome.error(), status);
  }
  co_return std::move(*outcome);
}

Co<Outcome<Response>> Router::call(const Entry& entry, Request request, Target target) {
  Call call;
  for (std::size_t i = 0; i < entry.segments.size(); ++i) {
    const auto segment = entry.segments[i];
    if (is_parameter(segment)) {
      call.parameters.emplace_back(segment.substr(1, segment.size() - 2), target.segments[i]);
    }
  }
  if (entry.route.body == BodyKind::json) {
    const bool typed = is_json(request.headers.get("Content-Type"));
    auto body = co_await read_body(request, entry.route.body_bytes_max);
    if (!body) {
      const auto info = body.error().domain().describe(body.error().code());
      co_return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                        .code = std::string(info.name),
                                        .message = body.error().message(),
                                        .hint = ""});
    }
    if (!body->empty() && !typed) {
      co_return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                        .code = "not_json",
                                        .message = "The body must be JSON.",
                                        .hint = "Send it with Content-Type: application/json."});
    }
    call.body = std::move(*body);
  }
  call.request = std::move(request);
  call.target = std::move(target);
  co_return co_await entry.handler(std::move(call));
}

}  // namespace vivim::gateway
