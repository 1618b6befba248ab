#include "vivim/libp2p/peerstore/peer_store.hpp"

#include <random>

#include <doctest/doctest.h>

#include "vivim/crypto/ed25519.hpp"

using namespace vivim;
using namespace vivim::libp2p::peerstore;
using namespace std::chrono_literals;

namespace {

constexpr Time k_now = 1'700'000'000'000ms;

multiformats::PublicKey key(std::uint32_t seed) {
  return crypto::KeyPair::generate([seed](MutableBytes out) {
           for (std::size_t i = 0; i < out.size(); ++i) {
             out[i] = static_cast<std::uint8_t>(seed >> (8 * (i % 4)));
           }
         })
      .public_key();
}

PeerId peer(std::uint32_t seed) {
  return PeerId::of(crypto::KeyPair::generate([seed](MutableBytes out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<std::uint8_t>(seed >> (8 * (i % 4)));
    }
  }));
}

Multiaddr at(std::size_t port) {
  return Multiaddr::parse("/ip4/1.2.3.4/tcp/" + std::to_string(port)).value();
}

std::vector<Multiaddr> places(PeerStore& store, const PeerId& who, Time now) {
  std::vector<Multiaddr> found;
  for (const auto& each : store.addresses(who, now)) {
    found.push_back(each.address);
  }
  return found;
}

}  // namespace

TEST_CASE("peer store: addresses live as long as told, the better source first") {
  PeerStore store;
  const PeerId who = peer(1);
  store.add_address(who, at(1), Source::rumour, 1h, k_now);
  store.add_address(who, at(2).with_peer(who).value(), Source::dialled, 2h, k_now);
  CHECK(places(store, who, k_now) == std::vector{at(2), at(1)});
  CHECK(places(store, who, k_now + 1h) == std::vector{at(2)});
  store.add_address(who, at(1), Source::identify, 3h, k_now);
  store.add_address(who, at(1), Source::rumour, 1min, k_now);  // neither shorter nor worse
  const auto all = store.addresses(who, k_now + 150min);
  REQUIRE(all.size() == 1);
  CHECK(all.front() ==
        Address{.address = at(1), .expires = k_now + 3h, .source = Source::identify});
  store.add_address(who, at(3), Source::configured, k_ttl_permanent, k_now);
  CHECK(places(store, who, k_now + 10'000h) == std::vector{at(3)});
  store.remove_address(who, at(3));
  CHECK(places(store, who, k_now + 10'000h).empty());
  store.expire(k_now + 10'000h);
  CHECK(store.size() == 0);
  CHECK(store.addresses() == 0);
}

TEST_CASE("peer store: a signed record replaces the one before, and only that") {
  PeerStore store;
  const PeerId who = peer(1);
  store.add_address(who, at(9), Source::dialled, 1h, k_now);
  REQUIRE(store.set_record(who, 5, {at(1), at(9)}, Bytes{1}, 1h, k_now));
  CHECK(
      store.set_record(who, 5, {at(2)}, Bytes{2}, 1h, k_now).error().is(PeerStoreError::not_newer));
  CHECK(store.find(who)->addresses.at(at(9)).certified);
  REQUIRE(store.set_record(who, 6, {at(2)}, Bytes{3}, 1h, k_now));
  CHECK(places(store, who, k_now) == std::vector{at(9), at(2)});
  CHECK(!store.find(who)->addresses.at(at(9)).certified);
  CHECK(store.find(who)->addresses.at(at(2)).certified);
  CHECK(store.find(who)->envelope == Bytes{3});
}

TEST_CASE("peer store: limits of one peer") {
  PeerStore store(
      {.addresses_per_peer_max = 3, .protocols_per_peer_max = 2, .metadata_per_peer_max = 1});
  const PeerId who = peer(1);
  store.add_address(who, at(7), Source::configured, 1min, k_now);
  for (std::size_t i = 1; i <= 5; ++i) {
    store.add_address(who, at(i), Source::identify, std::chrono::hours(i), k_now);
  }
  CHECK(places(store, who, k_now) == std::vector{at(7), at(4), at(5)});
  CHECK(store.addresses() == 3);
  store.set_protocols(who, {"/a", std::string(k_name_bytes_max + 1, 'x'), "/b", "/c"}, k_now);
  CHECK(store.find(who)->protocols == std::vector<std::string>{"/a", "/b"});
  store.set_agent(who, std::string(1000, 'a'), k_now);
  CHECK(store.find(who)->agent.size() == k_name_bytes_max);
  CHECK(store.set_metadatum(who, "a", Bytes(k_metadatum_bytes_max), k_now));
  const auto refused = [&](const std::string& name, std::size_t size) {
    return store.set_metadatum(who, name, Bytes(size), k_now).error().is(PeerStoreError::too_large);
  };
  CHECK(refused("b", 1));
  CHECK(refused("a", k_metadatum_bytes_max + 1));
  CHECK(refused(std::string(k_name_bytes_max + 1, 'n'), 1));
  CHECK(store.set_record(who, 1, {}, Bytes(k_envelope_bytes_max + 1), 1h, k_now)
            .error()
            .is(PeerStoreError::too_large));
}

TEST_CASE("peer store: of too many peers the expired go first, then the least recently used") {
  PeerStore store({.peers_max = 3});
  store.add_address(peer(1), at(1), Source::identify, 1h, k_now);
  store.add_address(peer(2), at(1), Source::identify, 1min, k_now + 1s);
  store.add_address(peer(3), at(1), Source::identify, 1h, k_now + 2s);
  store.add_address(peer(4), at(1), Source::identify, 1h, k_now + 5min);
  CHECK(store.find(peer(2)) == nullptr);
  CHECK(store.addresses(peer(1), k_now + 6min).size() == 1);  // used
  store.add_address(peer(5), at(1), Source::identify, 1h, k_now + 7min);
  CHECK(store.find(peer(3)) == nullptr);
  CHECK(store.find(peer(1)) != nullptr);
  PeerStore few({.addresses_max = 4});
  for (std::uint32_t i = 1; i <= 3; ++i) {
    few.add_address(peer(i), at(1), Source::identify, 1h, k_now + std::chrono::seconds(i));
    few.add_address(peer(i), at(2), Source::identify, 1h, k_now + std::chrono::seconds(i));
  }
  CHECK(few.addresses() == 4);
  CHECK(few.find(peer(1)) == nullptr);
  few.forget(peer(2));
  CHECK(few.addresses() == 2);
}

TEST_CASE("peer store: a snapshot holds everything, but for what has expired") {
  PeerStore store;
  const PeerId who = peer(1);
  store.add_address(who, at(1), Source::dialled, 1h, k_now);
  store.add_address(who, at(2), Source::configured, k_ttl_permanent, k_now);
  store.set_protocols(who, {"/a/1", "/b/1"}, k_now);
  store.set_agent(who, "somebody/1", k_now);
  store.set_key(who, key(1), k_now);
  REQUIRE(store.set_metadatum(who, "note", Bytes{0, 1, 2}, k_now));
  REQUIRE(store.set_record(who, 7, {at(3)}, Bytes{9, 9}, 2h, k_now));
  store.add_address(peer(2), at(1), Source::rumour, 1min, k_now);
  const Bytes snapshot = store.encode();
  const auto same = PeerStore::decode(snapshot, {}, k_now);
  REQUIRE(same);
  CHECK(same->entries() == store.entries());
  CHECK(same->addresses() == store.addresses());
  const auto later = PeerStore::decode(snapshot, {}, k_now + 90min);
  REQUIRE(later);
  CHECK(later->size() == 1);
  CHECK(later->addresses() == 2);
  const auto few = PeerStore::decode(
      snapshot, {.peers_max = 1, .addresses_per_peer_max = 1, .protocols_per_peer_max = 1}, k_now);
  REQUIRE(few);
  CHECK(few->size() == 1);
  CHECK(few->addresses() == 1);
}

TEST_CASE("peer store: damaged snapshots are refused") {
  PeerStore store;
  store.add_address(peer(1), at(1), Source::dialled, 1h, k_now);
  Bytes snapshot = store.encode();
  for (std::size_t size = 0; size < snapshot.size(); ++size) {
    CHECK(!PeerStore::decode(BytesView(snapshot).first(size), {}, k_now));
  }
  CHECK(PeerStore::decode(Bytes{'V', 'P', 'S', 2}, {}, k_now)
            .error()
            .is(PeerStoreError::unknown_version));
  snapshot.push_back(0);
  CHECK(PeerStore::decode(snapshot, {}, k_now).error().is(PeerStoreError::bad_snapshot));
}

TEST_CASE("peer store property: never more than the limits, counts agree, snapshots agree") {
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    const Limits limits{.peers_max = 1 + random() % 6,
                        .addresses_max = 4 + random() % 12,
                        .addresses_per_peer_max = 1 + random() % 4};
    PeerStore store(limits);
    Time now = k_now;
    for (int step = 0; step < 200; ++step) {
      now += std::chrono::minutes(random() % 10);
      const PeerId who = peer(1 + random() % 9);
      const auto ttl = std::chrono::minutes(random() % 60);
      switch (random() % 8) {
        case 0:
          store.forget(who);
          break;
        case 1:
          store.expire(now);
          break;
        case 2:
          (void)store.set_record(who, random() % 9, {at(1 + random() % 9), at(1 + random() % 9)},
                                 Bytes{1}, ttl, now);
          break;
        case 3:
          store.remove_address(who, at(1 + random() % 9));
          break;
        default:
          store.add_address(who, at(1 + random() % 9), static_cast<Source>(random() % 6), ttl, now);
      }
      std::size_t addresses = 0;
      for (const auto& [id, entry] : store.entries()) {
        CHECK(entry.addresses.size() <= limits.addresses_per_peer_max);
        addresses += entry.addresses.size();
      }
      REQUIRE(store.addresses() == addresses);
      REQUIRE(store.size() <= limits.peers_max);
      REQUIRE(addresses <= limits.addresses_max);
    }
    store.expire(now);
    const auto again = PeerStore::decode(store.encode(), limits, now);
    REQUIRE(again);
    CHECK(again->entries() == store.entries());
  }
}
