#pragma once

#include <cstddef>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"

namespace vivim::crdt {

/// What fits into one message of a data channel everywhere (16 KiB), with room for the frame around
/// it.
inline constexpr std::size_t k_chunk_bytes_max = 16'384 - 256;
/// Smallest size that an update may be cut to.
inline constexpr std::size_t k_chunk_bytes_min = 256;

/// Cuts an update v1 into updates of at most `bytes_max` bytes, at least k_chunk_bytes_min: each is
/// one that any Yjs takes, in this or any order, and together they say the same. Texts are cut
/// between code points, lists of values between values; what cannot be cut (a value, a name) comes
/// alone, however large. An update that fits is returned as it is. Errors: decode errors.
Result<std::vector<Bytes>> split_update(BytesView update,
                                        std::size_t bytes_max = k_chunk_bytes_max);

}  // namespace vivim::crdt
