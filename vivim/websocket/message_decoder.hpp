#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/websocket/frame.hpp"

namespace vivim::websocket {

/// One whole message, or one control frame.
struct MessageEvent {
  Opcode opcode = Opcode::binary;  ///< never continuation
  Bytes data;                      ///< the message; a ping's or pong's payload; a close's reason
  std::uint16_t close_code = 0;    ///< of a close; 1005 when it carried none
};

/// Reads frames and joins fragments to messages (RFC 6455 section 5.4). Sans-IO: feed bytes, poll
/// events. Memory: at most `message_bytes_max` for the message being read, plus the events of what
/// was fed.
class MessageDecoder {
 public:
  MessageDecoder(Masking masking, std::size_t message_bytes_max)
      : reader_(masking, {.message_bytes_max = message_bytes_max}) {}

  /// Errors end the connection: bad_frame (1002), bad_text (1007), message_too_large (1009).
  Result<void> feed(BytesView in);
  std::optional<MessageEvent> poll();

 private:
  Result<void> take(const Piece& piece);
  Result<void> take_close(BytesView payload);

  FrameReader reader_;
  Bytes message_;
  std::deque<MessageEvent> events_;
};

}  // namespace vivim::websocket
