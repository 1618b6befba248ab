#pragma once

#include <cstddef>
#include <cstdint>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"

namespace vivim::libp2p::yamux {

/// libp2p/specs yamux/README.md, "Framing": version 8 bits, type 8, flags 16, stream id 32, length
/// 32, big-endian.
inline constexpr std::size_t k_header_bytes = 12;

/// The window that both sides assume for a new stream.
inline constexpr std::uint32_t k_initial_window_bytes = 256 * 1024;

enum class FrameType : std::uint8_t {
  data = 0,           ///< length is the number of bytes that follow
  window_update = 1,  ///< length is the credit added; with RST the error code (go-yamux v5)
  ping = 2,           ///< length is an opaque value, echoed
  go_away = 3,        ///< length is a GoAwayCode
};

/// Bits of Header::flags; others are ignored.
inline constexpr std::uint16_t k_flag_syn = 0x1;
inline constexpr std::uint16_t k_flag_ack = 0x2;
inline constexpr std::uint16_t k_flag_fin = 0x4;
inline constexpr std::uint16_t k_flag_rst = 0x8;

/// A frame without its payload.
struct Header {
  FrameType type = FrameType::data;
  std::uint16_t flags = 0;
  std::uint32_t stream = 0;  ///< 0 is the session
  std::uint32_t length = 0;

  bool has(std::uint16_t flag) const { return (flags & flag) != 0; }
};

/// Writes `header` into the first k_header_bytes of `at`.
void encode_header(MutableBytes at, const Header& header);

/// Reads the first k_header_bytes of `in`. Errors: bad_version, bad_type, bad_stream_id (id 0 for a
/// stream's frame, another for the session's).
Result<Header> decode_header(BytesView in);

}  // namespace vivim::libp2p::yamux
