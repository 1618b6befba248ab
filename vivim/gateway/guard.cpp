#include "vivim/gateway/guard.hpp"

#include "vivim/base/assert.hpp"
#include "vivim/crypto/secret.hpp"
#include "vivim/gateway/problem_response.hpp"

namespace vivim::gateway {

namespace {

constexpr std::size_t k_token_characters_min = 32;
constexpr std::string_view k_cookie = "vivim_session";
constexpr std::string_view k_cookie_attributes =
    "; Path=/; HttpOnly; SameSite=Strict; Max-Age=15552000";  // half a year

Response refusal(ProblemKind kind, unsigned status, std::string code, std::string message,
                 std::string hint) {
  return problem_response(Problem{.kind = kind,
                                  .code = std::move(code),
                                  .message = std::move(message),
                                  .hint = std::move(hint)},
                          status);
}

/// "http://" or "https://" and nothing but the host itself.
bool is_origin_of(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme) && iequals(origin.substr(scheme.size()), host)) {
      return true;
    }
  }
  return false;
}

/// Calls `visit(name, value)` for each cookie of the request.
template <class Visit>
void for_each_cookie(const Headers& headers, Visit visit) {
  for (const auto& [name, value] : headers) {
    if (!iequals(name, "Cookie")) {
      continue;
    }
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto end = rest.find(';');
      const auto pair = trim(rest.substr(0, end));
      const auto equals = pair.find('=');
      if (equals != std::string_view::npos) {
        visit(pair.substr(0, equals), pair.substr(equals + 1));
      }
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
  }
}

Response wrong_token_page() {
  return Response::text(403, "text/html; charset=utf-8",
                        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
                        "<title>VIVIM: this link is no longer valid</title>"
                        "<h1>This link is no longer valid</h1>"
                        "<p>The token in the address is not the one of the node that runs here. "
                        "Ask the node for its address and open that:</p>"
                        "<pre>vivim status</pre>");
}

}  // namespace

Guard::Guard(GuardOptions options) : options_(std::move(options)), hosts_(options_.names) {
  VIVIM_ASSERT(options_.token.size() >= k_token_characters_min);
}

void Guard::allow_port(std::uint16_t port) {
  for (const std::string name : {"127.0.0.1", "localhost", "[::1]"}) {
    hosts_.push_back(name + ":" + std::to_string(port));
    if (port == 80) {
      hosts_.push_back(name);
    }
  }
  for (const auto& name : options_.names) {
    hosts_.push_back(name + ":" + std::to_string(port));
  }
}

std::optional<Response> Guard::refuse_host(const Request& request) const {
  const auto host = request.headers.get("Host");
  if (std::ranges::any_of(hosts_, [host](const auto& known) { return iequals(known, host); })) {
    return std::nullopt;
  }
  return refusal(ProblemKind::refused, 421, "unknown_host",
                 "This node does not answer to the name in the Host header.",
                 "Open it as 127.0.0.1 or localhost with its port, or add the name to http.names "
                 "in its configuration.");
}

std::optional<Response> Guard::refuse_origin(const Request& request) const {
  const auto refused = [] {
    return refusal(ProblemKind::refused, 403, "cross_site",
                   "A page of another site made this request.",
                   "Use the node's own page, or the command line.");
  };
  const auto site = request.headers.find("Sec-Fetch-Site");
  if (site && *site != "same-origin" && *site != "none") {
    return refused();
  }
  const auto origin = request.headers.find("Origin");
  const bool matters = changes_state(request.method) || request.wants_websocket;
  if (matters && origin && !is_origin_of(*origin, request.headers.get("Host"))) {
    return refused();
  }
  return std::nullopt;
}

std::optional<Response> Guard::refuse_stranger(const Request& request, const Target& target) const {
  constexpr std::string_view k_bearer = "Bearer ";
  const auto authorization = request.headers.get("Authorization");
  if (iequals(authorization.substr(0, k_bearer.size()), k_bearer) &&
      is_token(trim(authorization.substr(k_bearer.size())))) {
    return std::nullopt;
  }
  bool known = request.wants_websocket && is_token(target.find("token").value_or(""));
  const std::string own_name = cookie_name(request);
  for_each_cookie(request.headers, [&](std::string_view name, std::string_view value) {
    known = known || ((name == own_name || name == k_cookie) && is_token(value));
  });
  if (known) {
    return std::nullopt;
  }
  auto response =
      refusal(ProblemKind::refused, 401, "no_session", "This browser has no session with the node.",
              "Open the address that `vivim status` prints.");
  response.headers.add("WWW-Authenticate", "Bearer");
  return response;
}

Response Guard::log_in(const Request& request, const Target& target) const {
  if (!is_token(target.find("token").value_or(""))) {
    return wrong_token_page();
  }
  Response response = Response::redirect("/");
  response.headers.add(
      "Set-Cookie", cookie_name(request) + "=" + options_.token + std::string(k_cookie_attributes));
  response.headers.add("Cache-Control", "no-store");
  return response;
}

bool Guard::is_token(std::string_view candidate) const {
  return crypto::equal(as_bytes(candidate), as_bytes(options_.token));
}

/// Browsers keep one jar for all ports of a host: nodes on one machine must not overwrite each
/// other's cookie.
std::string Guard::cookie_name(const Request& request) const {
  const auto host = request.headers.get("Host");
  const auto colon = host.rfind(':');
  const auto port = colon == std::string_view::npos ? std::string_view{} : host.substr(colon + 1);
  const bool digits =
      !port.empty() && std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
  return std::string(k_cookie) + (digits ? "_" + std::string(port) : "");
}

void Guard::protect(std::string_view host, Response& response) {
  const auto set = [&response](std::string_view name, std::string value) {
    if (!response.headers.find(name)) {
      response.headers.add(std::string(name), std::move(value));
    }
  };
  if (response.status == 101) {
    return;
  }
  // Formulas and highlighting need style attributes; scripts come from files only.
  set("Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' "
      "data: "
      "blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self' ws://" +
          std::string(host) +
          "; worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
          "frame-ancestors 'none'");
  set("X-Content-Type-Options", "nosniff");
  set("X-Frame-Options", "DENY");
  set("Referrer-Policy", "no-referrer");
  set("Cross-Origin-Opener-Policy", "same-origin");
  set("Cross-Origin-Resource-Policy", "same-origin");
  set("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
  set("Cache-Control", "no-store");
}

}  // namespace vivim::gateway
