#pragma once

#include <array>
#include <cstdint>

#include "vivim/base/bytes.hpp"

namespace vivim::websocket {

/// What a client XORs its payloads with (RFC 6455 section 5.3).
using Mask = std::array<std::uint8_t, 4>;

/// Copies `in` to the front of `out`, masked or, which is the same, unmasked; `position` is where
/// `in` begins within its payload. `out` has room, and may begin where `in` does.
void copy_masked(MutableBytes out, BytesView in, Mask mask, std::uint64_t position = 0);

}  // namespace vivim::websocket
