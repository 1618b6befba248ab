#include "vivim/gateway/error.hpp"

namespace vivim::gateway {

namespace {

ErrorInfo describe_websocket(GatewayError code) {
  switch (code) {
    case GatewayError::ws_closed:
      return {"ws_closed", "the WebSocket is closed", Blame::transient};
    case GatewayError::ws_too_slow:
      return {"ws_too_slow", "the browser reads slower than it is sent to", Blame::peer};
    default:
      return {"unknown", "unknown error", Blame::local};
  }
}

ErrorInfo describe(int raw) {
  const auto code = static_cast<GatewayError>(raw);
  switch (code) {
    case GatewayError::bad_request:
      return {"bad_request", "not a well-formed HTTP request", Blame::peer};
    case GatewayError::header_too_large:
      return {"header_too_large", "the request header is larger than the limit", Blame::peer};
    case GatewayError::too_many_fields:
      return {"too_many_fields", "the request has too many header fields", Blame::peer};
    case GatewayError::target_too_long:
      return {"target_too_long", "the request target is longer than the limit", Blame::peer};
    case GatewayError::bad_version:
      return {"bad_version", "only HTTP/1.0 and HTTP/1.1 are spoken here", Blame::peer};
    case GatewayError::unsupported_coding:
      return {"unsupported_coding", "unsupported transfer coding", Blame::peer};
    case GatewayError::bad_chunk:
      return {"bad_chunk", "malformed chunk", Blame::peer};
    case GatewayError::body_too_large:
      return {"body_too_large", "the request body is larger than the limit", Blame::peer};
    case GatewayError::body_truncated:
      return {"body_truncated", "the connection ended inside the request body", Blame::peer};
    case GatewayError::timed_out:
      return {"timed_out", "the client was too slow", Blame::peer};
    default:
      return describe_websocket(code);
  }
}

}  // namespace

const ErrorDomain& error_domain(GatewayError) {
  static constexpr ErrorDomain k_domain{"gateway", describe};
  return k_domain;
}

}  // namespace vivim::gateway
