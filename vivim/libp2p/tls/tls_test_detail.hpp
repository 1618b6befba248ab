#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/ed25519.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::tls::test {

inline constexpr rt::WallMs k_now = 1'767'225'600'000;  // 2026-01-01

/// The same for the same number, another for another.
inline crypto::KeyPair key_pair(std::uint16_t number) {
  std::array<std::uint8_t, 32> seed{};
  store_be16(seed, number);
  return crypto::KeyPair::from_seed(crypto::Ed25519Seed(BytesView(seed)));
}

/// Bytes that tell where they stand.
inline Bytes numbered(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) {
    out[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  }
  return out;
}

}  // namespace vivim::libp2p::tls::test
