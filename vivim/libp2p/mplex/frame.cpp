#include "vivim/libp2p/mplex/frame.hpp"

#include "vivim/base/assert.hpp"
#include "vivim/base/varint.hpp"

namespace vivim::libp2p::mplex {

namespace {

constexpr std::uint64_t k_flag_max = static_cast<std::uint64_t>(Flag::reset_initiator);

std::size_t encode_varint(MutableBytes at, std::uint64_t value) {
  std::size_t size = 0;
  for (; value >= 0x80; value >>= 7) {
    at[size++] = static_cast<std::uint8_t>(value | 0x80);
  }
  at[size++] = static_cast<std::uint8_t>(value);
  return size;
}

}  // namespace

std::size_t encode_header(MutableBytes at, const Header& header) {
  VIVIM_ASSERT(header.stream <= k_stream_number_max && header.length <= k_message_bytes_max);
  const auto size = encode_varint(at, header.stream << 3 | static_cast<std::uint64_t>(header.flag));
  return size + encode_varint(at.subspan(size), header.length);
}

Result<DecodedHeader> decode_header(BytesView in) {
  const auto first = decode_varint(in);
  if (!first) {
    return first.error().is(VarintError::truncated) ? Result<DecodedHeader>(DecodedHeader{})
                                                    : fail(MplexError::bad_header);
  }
  if ((first->value & 7) > k_flag_max) {
    return fail(MplexError::bad_flag, first->value & 7);
  }
  const auto second = decode_varint(in.subspan(first->size));
  if (!second) {
    return second.error().is(VarintError::truncated) ? Result<DecodedHeader>(DecodedHeader{})
                                                     : fail(MplexError::bad_header);
  }
  if (second->value > k_message_bytes_max) {
    return fail(MplexError::message_too_long, second->value);
  }
  return DecodedHeader{.header = {.stream = first->value >> 3,
                                  .flag = static_cast<Flag>(first->value & 7),
                                  .length = static_cast<std::uint32_t>(second->value)},
                       .size = first->size + second->size};
}

}  // namespace vivim::libp2p::mplex
