#include "vivim/gateway/gateway.hpp"

#include "vivim/gateway/error.hpp"
#include "vivim/gateway/problem_response.hpp"

namespace vivim::gateway {

namespace {

bool is_protected(const Target& target) {
  return !target.segments.empty() &&
         (target.segments.front() == "api" || target.segments.front() == "sync" ||
          target.segments.front() == "metrics");
}

/// docs/protocol/sync.md: a browser cannot see why an upgrade failed, only why a socket was closed.
Co<void> close_stranger(WebSocket& socket) {
  socket.close(CloseCode::not_authorised,
               "no session: open the address that `vivim status` prints");
  co_return;
}

}  // namespace

Gateway::Gateway(GuardOptions options, Router& router, StaticFiles* files)
    : guard_(std::move(options)), router_(router), files_(files) {}

Co<Response> Gateway::handle(Request request) {
  const std::string host(request.headers.get("Host"));
  Response response = co_await answer(std::move(request));
  Guard::protect(host, response);
  co_return std::move(response);
}

Co<Response> Gateway::answer(Request request) {
  if (auto refused = guard_.refuse_host(request)) {
    co_return std::move(*refused);
  }
  const auto target = parse_target(request.target);
  if (!target) {
    co_return problem_response(Error(GatewayError::bad_request));
  }
  if (is_protected(*target)) {
    co_return co_await answer_api(std::move(request), *target);
  }
  if (target->segments.empty() && request.method == Method::get && target->find("token")) {
    co_return guard_.log_in(request, *target);
  }
  if (files_ == nullptr) {
    co_return problem_response(
        Problem{.kind = ProblemKind::not_found,
                .code = "no_web_app",
                .message = "This node was built without its web app.",
                .hint = "Build it with: make build. The API is at /api/v2/openapi.json."});
  }
  co_return co_await files_->serve(request, *target);
}

Co<Response> Gateway::answer_api(Request request, const Target& target) {
  if (auto refused = guard_.refuse_origin(request)) {
    co_return std::move(*refused);
  }
  if (auto refused = guard_.refuse_stranger(request, target)) {
    if (request.wants_websocket) {
      co_return Response::upgrade(close_stranger);
    }
    co_return std::move(*refused);
  }
  co_return co_await router_.dispatch(std::move(request));
}

}  // namespace vivim::gateway
