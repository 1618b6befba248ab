#pragma once

#include <cstdint>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/rt/co.hpp"

namespace vivim::gateway {

using rt::Co;

/// Close codes that this node sends (RFC 6455 section 7.4; 44xx are those of
/// docs/protocol/sync.md).
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,  ///< the node stops: try again
  protocol_error = 1002,
  bad_text = 1007,
  message_too_large = 1009,
  internal = 1011,
  try_again_later = 1013,  ///< reads too slowly: its queue overflowed
  malformed = 4400,
  not_authorised = 4403,
  no_such_document = 4404,
  too_large = 4413,
};

/// A message, whole.
struct Message {
  enum class Kind : std::uint8_t { text, binary };
  Kind kind = Kind::binary;
  Bytes data;

  static Message text(std::string_view text) {
    return {.kind = Kind::text, .data = to_bytes(text)};
  }
  static Message binary(Bytes data) { return {.kind = Kind::binary, .data = std::move(data)}; }
};

/// A WebSocket as its session sees it: one receiver; senders on the same loop. Pings, pongs and the
/// closing handshake happen inside, and only while somebody awaits receive(): a session keeps one
/// receive() going.
class WebSocket {
 public:
  virtual ~WebSocket() = default;

  /// The next message; GatewayError::ws_closed (detail: the code) when either side closed, other
  /// errors when the connection broke. After an error no more messages come.
  virtual Co<Result<Message>> receive() = 0;

  /// Queues a message, waiting while the queue is full; ws_closed when the socket is closing.
  virtual Co<Result<void>> send(Message message) = 0;

  /// Queues a message without waiting. When the queue is full, the socket is closed with
  /// `try_again_later` and what was queued is dropped: a reader that misses messages must not
  /// believe that it has them all. False then, and when the socket is closing.
  virtual bool try_send(Message message) = 0;

  /// Begins the closing handshake after what is queued; idempotent: the first code stays. receive()
  /// then fails.
  virtual void close(CloseCode code, std::string_view reason) = 0;

  /// What a message above the limit is closed with; 1009 unless a protocol has its own code.
  virtual void set_too_large_code(CloseCode code) = 0;

  /// True after close(), or after the other side closed.
  virtual bool closing() const = 0;

  /// Bytes that wait to be written.
  virtual std::size_t queued_bytes() const = 0;
};

}  // namespace vivim::gateway
