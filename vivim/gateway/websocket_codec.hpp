#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"

namespace vivim::gateway {

/// RFC 6455 section 5.2.
enum class Opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};

/// One whole message, or one control frame.
struct WebSocketEvent {
  Opcode opcode = Opcode::binary;  ///< never continuation
  Bytes data;                      ///< the message; a ping's or pong's payload; a close's reason
  std::uint16_t close_code = 0;    ///< of a close; 1005 when it carried none
};

/// Which masking rule applies to what is read (RFC 6455 section 5.1).
enum class Masking : std::uint8_t { required, forbidden };

/// Reads frames and joins fragments (RFC 6455 section 5). Sans-IO: feed bytes, poll events.
/// Memory: at most `message_bytes_max` for the message being read, plus the events of what was fed.
class WebSocketDecoder {
 public:
  WebSocketDecoder(Masking masking, std::size_t message_bytes_max)
      : message_bytes_max_(message_bytes_max), masking_(masking) {}

  /// Errors end the connection: ws_bad_frame (1002), ws_bad_text (1007), ws_message_too_large
  /// (1009).
  Result<void> feed(BytesView in);
  std::optional<WebSocketEvent> poll();

 private:
  struct Frame {
    Opcode opcode = Opcode::binary;
    bool final = false;
    bool masked = false;
    std::uint64_t remaining = 0;
    std::uint64_t position = 0;
    std::array<std::uint8_t, 4> mask{};
  };

  std::size_t header_size() const;
  Result<void> begin_frame();
  Result<void> check_frame() const;
  std::size_t take_payload(BytesView in);
  Result<void> end_frame();
  Result<void> end_close();
  Result<void> end_message();

  std::size_t message_bytes_max_;
  Masking masking_;
  Bytes header_;
  std::optional<Frame> frame_;
  std::optional<Opcode> message_opcode_;  ///< set between the first and the last fragment
  Bytes message_;
  Bytes control_;
  std::deque<WebSocketEvent> events_;
};

/// One unfragmented frame. With a mask (clients), the payload is masked.
Bytes encode_frame(Opcode opcode, BytesView payload,
                   std::optional<std::array<std::uint8_t, 4>> mask = std::nullopt);

/// The payload of a close frame; the reason is cut to 123 bytes at a character boundary.
Bytes encode_close_payload(std::uint16_t code, std::string_view reason);

}  // namespace vivim::gateway
