#pragma once

#include <array>
#include <cstdint>

#include "vivim/base/bytes.hpp"

namespace vivim::crypto {

using Sha1Digest = std::array<std::uint8_t, 20>;

/// SHA-1 (FIPS 180-4): broken as a cryptographic hash, only for protocols that want it without
/// relying on it, as the WebSocket handshake does.
Sha1Digest sha1(BytesView bytes);

}  // namespace vivim::crypto
