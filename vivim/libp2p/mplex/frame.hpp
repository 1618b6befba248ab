#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

#include "vivim/base/bytes.hpp"
#include "vivim/libp2p/mplex/error.hpp"

namespace vivim::libp2p::mplex {

/// Most bytes that one message carries (libp2p/specs mplex/README.md, "Writing to a stream").
inline constexpr std::size_t k_message_bytes_max = std::size_t{1024} * 1024;

/// Two varints: at most 9 bytes for number and flag, at most 3 for the length.
inline constexpr std::size_t k_header_bytes_max = 9 + 3;

/// Largest number of a stream: 60 bits.
inline constexpr std::uint64_t k_stream_number_max = (std::uint64_t{1} << 60) - 1;

/// What a message does. Receiver and initiator say which side of the stream sends it.
enum class Flag : std::uint8_t {
  new_stream = 0,
  message_receiver = 1,
  message_initiator = 2,
  close_receiver = 3,
  close_initiator = 4,
  reset_receiver = 5,
  reset_initiator = 6,
};

/// A stream: its number, and which side opened it. Both sides count for themselves.
struct StreamId {
  std::uint64_t number = 0;
  bool ours = false;

  auto operator<=>(const StreamId&) const = default;
};

/// A message without its data.
struct Header {
  std::uint64_t stream = 0;
  Flag flag = Flag::new_stream;
  std::uint32_t length = 0;
};

/// A header and how many bytes it took; 0 when more are needed.
struct DecodedHeader {
  Header header;
  std::size_t size = 0;
};

/// Writes `header` to the front of `at`, which has k_header_bytes_max, and says how long it is.
std::size_t encode_header(MutableBytes at, const Header& header);

/// Reads a header at the front of `in`. Errors: bad_header, bad_flag, message_too_long.
Result<DecodedHeader> decode_header(BytesView in);

}  // namespace vivim::libp2p::mplex
