#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vivim/gateway/http.hpp"
#include "vivim/gateway/target.hpp"

namespace vivim::gateway {

struct GuardOptions {
  std::string token;  ///< the session's secret, at least 32 characters; never logged
  std::vector<std::string>
      names;  ///< host names of this node besides loopback's ("vivim.lan", "me.example:443")
};

/// Who may ask what: the session, the Host header (DNS rebinding), Origin and Sec-Fetch-Site
/// (cross-site writes). Answers only; the Gateway calls it in order.
class Guard {
 public:
  explicit Guard(GuardOptions options);

  /// Loopback names are allowed with the ports that the server listens on.
  void allow_port(std::uint16_t port);

  /// 421 unless Host is one of ours: a page of another name that resolves to us is not ours.
  std::optional<Response> refuse_host(const Request& request) const;
  /// 403 when a page of another origin made the request.
  std::optional<Response> refuse_origin(const Request& request) const;
  /// 401 without the session: cookie, Authorization: Bearer, or (WebSockets only) ?token=.
  std::optional<Response> refuse_stranger(const Request& request, const Target& target) const;

  /// Answers `GET /?token=T`: sets the cookie and redirects to `/`, or 403 with a page that says
  /// what to do.
  Response log_in(const Request& request, const Target& target) const;

  /// Adds the security headers that the response does not set itself; `host` is the request's Host.
  static void protect(std::string_view host, Response& response);

 private:
  bool is_token(std::string_view candidate) const;
  std::string cookie_name(const Request& request) const;

  GuardOptions options_;
  std::vector<std::string> hosts_;
};

}  // namespace vivim::gateway
