#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/rt/clock.hpp"

/// For tests of parts of the host that need no host.
namespace vivim::libp2p::test {

inline constexpr rt::TimePoint k_start{std::chrono::hours(1)};

/// The same for the same seed, another for another.
inline multiformats::PeerId peer(std::uint32_t seed) {
  return multiformats::PeerId::of(crypto::KeyPair::generate([seed](MutableBytes out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<std::uint8_t>(seed >> (8 * (i % 4)));
    }
  }));
}

inline multiformats::Multiaddr at(const std::string& text) {
  return multiformats::Multiaddr::parse(text).value();
}

}  // namespace vivim::libp2p::test
