#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/websocket/error.hpp"
#include "vivim/websocket/http_head.hpp"

namespace vivim::websocket {

/// Sec-WebSocket-Accept for a client's key: base64(SHA-1(key + GUID)) (RFC 6455 section 4.2.2).
std::string accept_of(std::string_view key);
/// Whether `key` is a Sec-WebSocket-Key: 16 bytes in base64.
bool is_valid_key(std::string_view key);

/// What a client asks for.
struct UpgradeRequest {
  std::string host;  ///< the Host field: a name or address, and the port unless it is the usual one
  std::string target = "/";
  std::array<std::uint8_t, 16> nonce{};  ///< random
};

/// The client's side of the opening handshake (RFC 6455 section 4.1): no extensions, no
/// subprotocol. Sans-IO.
class ClientHandshake {
 public:
  explicit ClientHandshake(const UpgradeRequest& request);

  /// What to send.
  const std::string& request() const { return request_; }
  /// Takes the answer, up to its end, and returns how many bytes of `in` that were. Errors:
  /// head_too_large, bad_head, refused, bad_answer.
  Result<std::size_t> feed(BytesView in);
  /// Whether the protocol was switched: what comes now is frames.
  bool done() const { return head_.done(); }

 private:
  Result<void> check() const;

  std::string key_;
  std::string request_;
  HttpHead head_;
};

/// The server's side of the opening handshake (RFC 6455 section 4.2): any path, any Host, any
/// Origin; offers of extensions and subprotocols are declined. Sans-IO.
class ServerHandshake {
 public:
  /// Takes the request, up to its end, and returns how many bytes of `in` that were. Errors:
  /// head_too_large, bad_head, not_an_upgrade: refusal() says what to answer, before closing.
  Result<std::size_t> feed(BytesView in);
  bool done() const { return head_.done(); }
  /// What to answer when done(): 101.
  std::string response() const;
  /// The answer to a request that is none: 426, 431 or 400, with "Connection: close".
  static std::string refusal(const Error& error);

  /// Once done(): the path, and the Host field.
  std::string_view target() const;
  std::string_view host() const { return head_.find("Host").value_or(""); }

 private:
  Result<void> check() const;

  HttpHead head_;
};

}  // namespace vivim::websocket
