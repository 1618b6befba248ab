#pragma once

#include "vivim/base/result.hpp"

namespace vivim::gateway {

/// What goes wrong on an HTTP or WebSocket connection. Handlers answer people with Problem instead.
enum class GatewayError {
  bad_request,         ///< peer: not an HTTP/1.1 request; answered with 400
  header_too_large,    ///< peer: request line and fields exceed the limit; answered with 431
  too_many_fields,     ///< peer: more header fields than allowed; answered with 431
  target_too_long,     ///< peer: the request target exceeds the limit; answered with 414
  bad_version,         ///< peer: neither HTTP/1.0 nor HTTP/1.1; answered with 505
  unsupported_coding,  ///< peer: a transfer coding other than chunked; answered with 501
  bad_chunk,           ///< peer: a malformed chunk header or trailer
  body_too_large,      ///< peer: the body exceeds the route's limit; answered with 413. detail: the
                       ///< limit
  body_truncated,      ///< peer: the connection ended inside the body
  timed_out,           ///< peer: a deadline of the connection passed
  ws_closed,           ///< transient: the WebSocket is closed. detail: the close code
  ws_too_slow,         ///< peer: it reads slower than we send; closed with 1013
};
const ErrorDomain& error_domain(GatewayError);

}  // namespace vivim::gateway
