#pragma once

#include <string>

#include "vivim/gateway/http.hpp"
#include "vivim/gateway/request_parser.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::gateway {

/// How the end of a response is told to the client.
enum class Framing : std::uint8_t {
  none,     ///< 1xx, 204, 304: no body and no length
  length,   ///< Content-Length
  chunked,  ///< Transfer-Encoding: chunked
  close,    ///< HTTP/1.0 and a stream of unknown length
};

Framing choose_framing(const Response& response, HttpVersion version);

struct ResponseHeadOptions {
  HttpVersion version = HttpVersion::http11;
  AfterResponse after = AfterResponse::close;
  rt::WallMs now_ms = 0;
};

/// Status line and fields with the empty line; fields cannot smuggle others in: control characters
/// become spaces.
std::string encode_response_head(const Response& response, ResponseHeadOptions options);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
std::string http_date(rt::WallMs wall_ms);

}  // namespace vivim::gateway
