#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "vivim/base/bytes.hpp"
#include "vivim/gateway/error.hpp"
#include "vivim/gateway/http.hpp"
#include "vivim/gateway/limits.hpp"

namespace vivim::gateway {

enum class HttpVersion : std::uint8_t { http10, http11 };
enum class AfterResponse : std::uint8_t { close, keep_alive };

/// What a request's header says.
struct RequestHead {
  Method method = Method::other;
  std::string target;
  Headers headers;
  HttpVersion version = HttpVersion::http11;
  AfterResponse after = AfterResponse::close;  ///< what the client asked for
  std::optional<std::uint64_t> body_length;    ///< from Content-Length
  std::string websocket_key;                   ///< not empty: a well-formed upgrade to WebSocket
};

/// An incremental parser of one HTTP/1.x request (RFC 9112), stricter than the RFC allows: no
/// transfer coding but chunked, one Content-Length, exactly one Host in HTTP/1.1, origin-form
/// targets only. Sans-IO; Beast is inside.
class RequestParser {
 public:
  explicit RequestParser(const ServerLimits& limits);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;
  ~RequestParser();

  /// Parses header bytes; returns how many of `in` to drop. The rest is to be given again with more
  /// behind it. Errors: bad_request, header_too_large, too_many_fields, target_too_long,
  /// bad_version, unsupported_coding.
  Result<std::size_t> feed_head(BytesView in);
  bool head_done() const;
  /// Once, after head_done().
  RequestHead take_head();

  /// Parses body bytes after head_done(), appending content to `out`; returns how many of `in` to
  /// drop. Errors: bad_chunk.
  Result<std::size_t> feed_body(BytesView in, Bytes& out);
  /// The whole request, body included, was parsed. True at once when it has no body.
  bool done() const;

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace vivim::gateway
