#pragma once

#include <cstdint>
#include <limits>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"

namespace vivim {

enum class VarintError {
  truncated,    ///< the input ends inside a varint: with a stream, wait for more
  overflow,     ///< larger than the caller's maximum
  not_minimal,  ///< has trailing zero groups
};
const ErrorDomain& error_domain(VarintError);

/// Longest unsigned varint that multiformats allows: 9 bytes, 63 bits.
inline constexpr std::size_t k_varint_bytes_max = 9;

/// An unsigned varint and how many bytes it took.
struct Varint {
  std::uint64_t value = 0;
  std::size_t size = 0;
};

/// Decodes an unsigned LEB128 varint at the start of `in` (multiformats/unsigned-varint: minimal,
/// at most 9 bytes).
Result<Varint> decode_varint(BytesView in,
                             std::uint64_t max = std::numeric_limits<std::int64_t>::max());

/// Appends `value` (below 2^63) as an unsigned varint.
void append_varint(Bytes& out, std::uint64_t value);

/// How many bytes append_varint writes.
std::size_t varint_size(std::uint64_t value);

}  // namespace vivim
