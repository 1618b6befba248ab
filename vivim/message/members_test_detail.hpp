#pragma once

#include <vector>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/message/envelope.hpp"
#include "vivim/message/message.hpp"

namespace vivim::message::test {

inline crypto::KeyPair key_pair(std::uint64_t number) {
  Bytes seed(32);
  store_be64(seed, number);
  return crypto::KeyPair::from_seed(crypto::Ed25519Seed(seed));
}

inline PeerId peer(std::uint64_t number) {
  return PeerId::of(key_pair(number));
}

inline std::vector<PeerId> peers(std::uint64_t count) {
  std::vector<PeerId> all;
  for (std::uint64_t i = 0; i < count; ++i) {
    all.push_back(peer(i));
  }
  return all;
}

inline MessageId message_id(std::uint64_t number) {
  MessageId id;
  store_be64(id.bytes, number);
  return id;
}

}  // namespace vivim::message::test
