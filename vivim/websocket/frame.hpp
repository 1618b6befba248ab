#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/websocket/error.hpp"
#include "vivim/websocket/mask.hpp"

namespace vivim::websocket {

/// RFC 6455 section 5.2.
enum class Opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};

/// Close, ping and pong.
constexpr bool is_control(Opcode opcode) {
  return static_cast<std::uint8_t>(opcode) >= 8;
}

/// Longest header of a frame, and payload of a control frame.
inline constexpr std::size_t k_frame_header_bytes_max = 14;
inline constexpr std::size_t k_control_bytes_max = 125;
/// The code of a close frame that carried none; never sent.
inline constexpr std::uint16_t k_no_close_code = 1005;

/// Which masking rule applies to what is read (RFC 6455 section 5.1).
enum class Masking : std::uint8_t { required, forbidden };

/// How much is read; no memory is taken for it.
struct FrameLimits {
  std::uint64_t frame_bytes_max = std::uint64_t{1} << 62;
  std::uint64_t message_bytes_max = std::uint64_t{1} << 62;
};

/// A piece of a message, or a whole control frame.
struct Piece {
  Opcode opcode = Opcode::binary;  ///< of the message; never continuation
  BytesView data;                  ///< as it came; a control frame's is unmasked already
  std::optional<Mask> mask;        ///< to be taken off `data`
  std::uint64_t position = 0;      ///< of `data` within its frame
  bool last = false;               ///< ends its message

  /// Copies `data` without its mask to the front of `out`, which has room.
  void copy_to(MutableBytes out) const;
};

/// Reads frames (RFC 6455 section 5) without copying payloads. Sans-IO.
class FrameReader {
 public:
  FrameReader(Masking masking, FrameLimits limits) : limits_(limits), masking_(masking) {}

  /// The next piece of `in`, which is shortened by what was taken; none when `in` is used up. The
  /// piece points into `in`'s buffer, a control frame's into this object, until the next call. A
  /// caller may copy pieces towards the front of the same buffer. Errors end the connection:
  /// bad_frame (1002), message_too_large (1009).
  Result<std::optional<Piece>> next(BytesView& in);

  /// Payload bytes of the current data frame that have not come yet; 0 between frames.
  std::uint64_t frame_bytes_left() const;

 private:
  struct Frame {
    Opcode opcode = Opcode::binary;
    bool final = false;
    std::optional<Mask> mask;
    std::uint64_t remaining = 0;
    std::uint64_t position = 0;
  };

  std::size_t header_size() const;
  Result<bool> take_header(BytesView& in);
  Result<void> begin_frame();
  Result<void> check_frame();
  Piece describe(BytesView data) const;
  Piece take_data(BytesView& in);
  std::optional<Piece> take_control(BytesView& in);
  void end_data_frame();

  FrameLimits limits_;
  Masking masking_;
  std::array<std::uint8_t, k_frame_header_bytes_max> header_{};
  std::size_t header_bytes_ = 0;
  std::optional<Frame> frame_;
  std::optional<Opcode> message_opcode_;  ///< set between the first and the last fragment
  std::uint64_t message_bytes_ = 0;
  Bytes control_;
};

/// Writes the header of a final frame to the front of `out`, which has room for
/// k_frame_header_bytes_max, and returns its size.
std::size_t store_frame_header(MutableBytes out, Opcode opcode, std::size_t payload_bytes,
                               std::optional<Mask> mask = std::nullopt);
/// Appends a final frame to `out`. With a mask (clients), the payload is masked.
void append_frame(Bytes& out, Opcode opcode, BytesView payload,
                  std::optional<Mask> mask = std::nullopt);
/// One final frame.
Bytes encode_frame(Opcode opcode, BytesView payload, std::optional<Mask> mask = std::nullopt);

/// What a close frame says.
struct Close {
  std::uint16_t code = k_no_close_code;
  std::string_view reason;  ///< points into the payload
};

/// The payload of a close frame; the reason is cut to 123 bytes at a character boundary.
Bytes encode_close_payload(std::uint16_t code, std::string_view reason);
/// Reads the payload of a close frame. Errors: bad_frame, bad_text.
Result<Close> decode_close_payload(BytesView payload);

}  // namespace vivim::websocket
