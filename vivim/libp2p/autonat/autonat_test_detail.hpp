#pragma once

#include <string_view>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/autonat/message.hpp"

namespace vivim::libp2p::autonat::test {

inline PeerId peer(std::uint8_t number) {
  return PeerId::of(crypto::KeyPair::generate([number](MutableBytes out) {
    for (auto& byte : out) {
      byte = number;
    }
  }));
}

inline Multiaddr address(std::string_view text) {
  return Multiaddr::parse(text).value();
}

}  // namespace vivim::libp2p::autonat::test
