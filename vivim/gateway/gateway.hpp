#pragma once

#include <memory>

#include "vivim/gateway/events.hpp"
#include "vivim/gateway/guard.hpp"
#include "vivim/gateway/http.hpp"
#include "vivim/gateway/router.hpp"
#include "vivim/gateway/static_files.hpp"

namespace vivim::gateway {

/// What the node serves over HTTP, in the order in which a request meets it: Host check, login
/// link, Origin check and session (for /api and /sync), then the API's router or the web app's
/// files.
class Gateway final : public Handler {
 public:
  /// `files` may be null: then there is no web app, only the API. `router` and `files` must outlive
  /// the gateway.
  Gateway(GuardOptions options, Router& router, StaticFiles* files);

  /// Once per listening address, before requests come.
  void allow_port(std::uint16_t port) { guard_.allow_port(port); }

  Co<Response> handle(Request request) override;

 private:
  Co<Response> answer(Request request);
  Co<Response> answer_api(Request request, const Target& target);

  Guard guard_;
  Router& router_;
  StaticFiles* files_;
};

}  // namespace vivim::gateway
