#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/message/envelope.hpp"
#include "vivim/message/message.hpp"
#include "vivim/message/vector_clock.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::message::test {

inline const rt::TimePoint k_start{std::chrono::hours(1)};

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

inline VectorClock clock_of(std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> counts) {
  VectorClock clock;
  for (const auto& [member, count] : counts) {
    REQUIRE(clock.raise(peer(member), count));
  }
  return clock;
}

inline MessageId message_id(std::uint64_t number) {
  MessageId id;
  store_be64(id.bytes, number);
  return id;
}

}  // namespace vivim::message::test
