#pragma once

#include "vivim/crypto/ed25519.hpp"

namespace vivim::libp2p::record::test {

/// The key whose seed counts up from `first`.
inline crypto::KeyPair key_pair(std::uint8_t first) {
  return crypto::KeyPair::generate([first](MutableBytes out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<std::uint8_t>(first + i);
    }
  });
}

}  // namespace vivim::libp2p::record::test
