#include "vivim/libp2p/limits/rate.hpp"

#include <doctest/doctest.h>

#include "vivim/base/bytes.hpp"
#include "vivim/multiformats/multihash.hpp"

using namespace vivim;
using namespace vivim::libp2p::limits;
using multiformats::PeerId;
using namespace std::chrono_literals;

namespace {

/// No key has this id: it is a hash of nothing.
PeerId keyless_peer(std::size_t number) {
  Bytes hash(34);
  hash[0] = 0x12;
  hash[1] = 0x20;
  hash[2] = static_cast<std::uint8_t>(number >> 8);
  hash[3] = static_cast<std::uint8_t>(number);
  return PeerId::from_bytes(hash).value();
}

}  // namespace

TEST_CASE("rate: a burst, then one for each interval") {
  RateLimiter limiter({.burst = 3, .interval = 2s});
  for (int i = 0; i < 3; ++i) {
    REQUIRE(limiter.allows(1h));
    limiter.count(1h);
  }
  CHECK_FALSE(limiter.allows(1h));
  CHECK_FALSE(limiter.allows(1h + 2s - 1ns));
  REQUIRE(limiter.allows(1h + 2s));
  limiter.count(1h + 2s);
  CHECK_FALSE(limiter.allows(1h + 3s));
  CHECK_FALSE(limiter.rested(1h + 7s));
  CHECK(limiter.rested(1h + 8s));
}

TEST_CASE("peer rates: of each and of all, and what is refused costs nothing") {
  PeerRates rates({.each = {.burst = 2, .interval = 10s}, .all = {.burst = 3, .interval = 5s}});
  CHECK(rates.take(keyless_peer(1), 0s));
  CHECK(rates.take(keyless_peer(1), 0s));
  CHECK_FALSE(rates.take(keyless_peer(1), 0s));
  CHECK(rates.take(keyless_peer(2), 0s));
  CHECK_FALSE(rates.take(keyless_peer(3), 0s));  // all
  CHECK(rates.take(keyless_peer(3), 5s));
  CHECK_FALSE(rates.take(keyless_peer(1), 10s - 1ns));
  CHECK(rates.take(keyless_peer(1), 10s));
}

TEST_CASE("peer rates: what is remembered is bounded, and those who rest are forgotten") {
  PeerRates rates({.each = {.burst = 1, .interval = 1min}, .all = {.burst = 1'000'000}});
  for (std::size_t i = 0; i < k_rated_peers_max; ++i) {
    REQUIRE(rates.take(keyless_peer(i), 0s));
  }
  CHECK_FALSE(rates.take(keyless_peer(k_rated_peers_max), 59s));
  CHECK(rates.remembered() == k_rated_peers_max);
  CHECK(rates.take(keyless_peer(k_rated_peers_max), 1min));
  CHECK(rates.remembered() == 1);
}
