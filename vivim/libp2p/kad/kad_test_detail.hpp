#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/kad/contact.hpp"
#include "vivim/rt/sim/engine.hpp"

namespace vivim::libp2p::kad::test {

inline const rt::TimePoint k_start{std::chrono::hours(1)};

/// A peer id that nobody has the key of, made from a number: a SHA-256 multihash.
inline PeerId peer(std::uint64_t number) {
  Bytes raw(34);
  raw[0] = 0x12;
  raw[1] = 0x20;
  store_be64(MutableBytes(raw).subspan(2), number);
  return PeerId::from_bytes(raw).value();
}

inline Multiaddr address(const std::string& ip, unsigned port = 4001) {
  return Multiaddr::parse("/ip4/" + ip + "/tcp/" + std::to_string(port)).value();
}

/// A contact at a public address whose /16 is `number`'s own, as long as there are no more than
/// some ten thousand.
inline Contact contact(std::uint64_t number) {
  const auto a = 11 + ((number / 250) % 80);
  return {.peer = peer(number),
          .addresses = {address(std::to_string(a) + "." + std::to_string(number % 250) + ".7.7")}};
}

inline crypto::KeyPair key_pair(std::uint64_t number) {
  Bytes seed(32);
  store_be64(seed, number);
  return crypto::KeyPair::from_seed(crypto::Ed25519Seed(seed));
}

}  // namespace vivim::libp2p::kad::test
