#pragma once

#include <array>
#include <cstdint>

#include "vivim/base/bytes.hpp"

namespace vivim::crypto {

inline constexpr std::size_t k_siphash_key_bytes = 16;

/// Who does not know it cannot make two inputs meet.
using SipHashKey = std::array<std::uint8_t, k_siphash_key_bytes>;

/// 128 bits of SipHash-2-4, for the keys of tables that peers fill. Not a commitment to the bytes:
/// whoever knows the key finds collisions.
std::array<std::uint64_t, 2> siphash128(const SipHashKey& key, BytesView bytes);

}  // namespace vivim::crypto
