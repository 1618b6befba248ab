#include "vivim/node/relay_choice.hpp"

#include <set>

#include <doctest/doctest.h>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/multiformats/keys.hpp"

namespace vivim::node {
namespace {

using libp2p::autonat::Reachability;
using multiformats::Multiaddr;
using multiformats::PeerId;
using namespace std::chrono_literals;

constexpr rt::TimePoint k_start{1h};

Multiaddr relay(std::uint8_t seed) {
  const auto key = crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, seed)));
  return Multiaddr::parse("/ip4/192.0.2.1/tcp/4001").value().with_peer(PeerId::of(key)).value();
}

/// A choice, and relays that give reservations.
struct RelayChoiceFixture {
  std::vector<Multiaddr> configured{relay(1)};
  std::vector<Multiaddr> candidates{relay(2), relay(3), relay(4)};
  std::set<PeerId> willing;
  RelayChoice choice{configured, k_start};

  std::vector<Multiaddr> update(Reachability reachability, rt::Duration after) {
    return choice.update(
        reachability, candidates, [this](const PeerId& peer) { return willing.contains(peer); },
        k_start + after);
  }
};

TEST_CASE("relay choice: what many addresses mean for the node") {
  using enum Reachability;
  const auto of = [](std::vector<Reachability> each) {
    std::vector<libp2p::autonat::AddressReachability> all;
    for (const auto reachability : each) {
      all.push_back({.address = relay(1), .reachability = reachability});
    }
    return overall(all);
  };
  CHECK(of({}) == unknown);
  CHECK(of({unknown, unknown}) == unknown);
  CHECK(of({unknown, private_}) == private_);
  CHECK(of({private_, public_, unknown}) == public_);
}

TEST_CASE_FIXTURE(RelayChoiceFixture,
                  "relay choice: configured relays at once, and not when public") {
  CHECK(update(Reachability::unknown, 0s) == configured);
  CHECK(update(Reachability::public_, 1s).empty());
  CHECK(update(Reachability::unknown, 2s) == configured);
  CHECK(update(Reachability::public_, 60s).empty());
  CHECK(update(Reachability::unknown, 60s) == configured);  // doubted since then only
}

TEST_CASE_FIXTURE(RelayChoiceFixture,
                  "relay choice: others that are at hand, when nobody reaches us") {
  CHECK(update(Reachability::private_, 0s).size() == 1 + k_found_relays_max);
  CHECK(update(Reachability::unknown, 1s).size() == 1 + k_found_relays_max);  // as it is
  CHECK(update(Reachability::public_, 2s).empty());
  willing.insert(*configured[0].peer());
  CHECK(update(Reachability::private_, 3s).size() == k_found_relays_max);  // one less is needed
  RelayChoiceFixture doubtful;
  CHECK(doubtful.update(Reachability::unknown, 29s).size() == 1);
  CHECK(doubtful.update(Reachability::unknown, 30s).size() == 3);
}

TEST_CASE_FIXTURE(RelayChoiceFixture,
                  "relay choice: one that gives no reservation is replaced, and left alone") {
  willing.insert(*relay(2).peer());
  const auto first = update(Reachability::private_, 0s);
  const auto later = update(Reachability::private_, 31s);
  CHECK(std::ranges::find(later, relay(2)) != later.end());
  CHECK(later.size() == 3);
  CHECK(later != first);
  candidates = {relay(3)};
  CHECK(update(Reachability::private_, 70s) == std::vector{relay(1), relay(2)});
  CHECK(update(Reachability::private_, 11min).size() == 3);  // asked again
}

TEST_CASE("relay choice: relays that failed are remembered up to a limit") {
  RelayChoice choice({}, k_start, {.reserve_max = 1s, .pause = 1h});
  std::set<PeerId> asked;
  for (std::uint8_t i = 0; i < 2 * k_failed_relays_max; ++i) {
    const std::vector candidates{relay(static_cast<std::uint8_t>(i + 1))};
    for (const auto& each : choice.update(
             Reachability::private_, candidates, [](const PeerId&) { return false; },
             k_start + i * 1s)) {
      asked.insert(*each.peer());
    }
  }
  CHECK(asked.size() > k_failed_relays_max);
  CHECK(asked.size() <= k_failed_relays_max + k_found_relays_max);
}

}  // namespace
}  // namespace vivim::node
