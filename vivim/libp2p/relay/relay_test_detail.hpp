#pragma once

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/relay/relay.hpp"

namespace vivim::libp2p::relay::test {

/// The key whose seed counts up from `first`.
inline crypto::KeyPair key_pair(std::uint32_t first) {
  return crypto::KeyPair::generate([first](MutableBytes out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<std::uint8_t>((first >> (8 * (i % 4))) + i);
    }
  });
}

inline PeerId peer(std::uint32_t number) {
  return PeerId::of(key_pair(number));
}

inline Multiaddr address(std::string_view text) {
  return Multiaddr::parse(text).value();
}

inline HopMessage reserve_message() {
  return {.type = HopMessage::Type::reserve};
}

inline HopMessage connect_message(const PeerId& target) {
  return {.type = HopMessage::Type::connect, .peer = target};
}

}  // namespace vivim::libp2p::relay::test
