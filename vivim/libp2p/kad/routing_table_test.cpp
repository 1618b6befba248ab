#include "vivim/libp2p/kad/routing_table.hpp"

#include <algorithm>
#include <map>

#include <doctest/doctest.h>

#include "vivim/crypto/hash.hpp"
#include "vivim/libp2p/kad/kad_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p::kad;
using namespace vivim::libp2p::kad::test;
using namespace std::chrono_literals;

namespace {

Added add(RoutingTable& table, const Contact& contact, rt::TimePoint now = k_start) {
  return table.add(contact, groups_of(contact.addresses), now);
}

/// Peers of the bucket with this shared prefix, as many as asked for.
std::vector<Contact> of_bucket(const RoutingTable& table, unsigned bucket, std::size_t count) {
  std::vector<Contact> found;
  for (std::uint64_t number = 1; found.size() < count; ++number) {
    const Contact candidate = contact(number);
    if (table.key().common_prefix(Key::of(candidate.peer)) == bucket) {
      found.push_back(candidate);
    }
  }
  return found;
}

}  // namespace

TEST_CASE("key: distance, prefixes, and the number that a distance is") {
  const Key a = Key::of(as_bytes("a"));
  const Key b = Key::of(as_bytes("b"));
  CHECK(a.distance(b) == b.distance(a));
  CHECK(a.distance(a) == Distance{});
  CHECK(a.common_prefix(a) == k_key_bits);
  for (const unsigned bit : {0U, 7U, 8U, 100U, 159U}) {
    CHECK(a.common_prefix(a.flipped(bit)) == bit);
    CHECK(a.flipped(bit).flipped(bit) == a);
  }
  CHECK(a.distance(a.flipped(0)).fraction() == doctest::Approx(0.5));
  CHECK(a.distance(a.flipped(3)).fraction() == doctest::Approx(0.0625));
}

TEST_CASE("key: the order by 160 bits is that of libp2p's 256 bits") {
  const auto whole = [](const PeerId& peer, const PeerId& target) {
    auto distance = crypto::sha256(peer.bytes());
    const auto other = crypto::sha256(target.bytes());
    for (std::size_t i = 0; i < distance.size(); ++i) {
      distance[i] ^= other[i];
    }
    return distance;
  };
  for (std::uint64_t target = 0; target < 20; ++target) {
    const PeerId at = peer(1000 + target);
    std::vector<PeerId> peers;
    for (std::uint64_t number = 0; number < 200; ++number) {
      peers.push_back(peer(number));
    }
    auto others = peers;
    std::ranges::sort(peers, {},
                      [&](const PeerId& id) { return Key::of(id).distance(Key::of(at)); });
    std::ranges::sort(others, {}, [&](const PeerId& id) { return whole(id, at); });
    CHECK(peers == others);
  }
}

TEST_CASE("key: something to look up in any part of the space") {
  const Key near = Key::of(as_bytes("somewhere"));
  for (const unsigned bits : {0U, 1U, 8U, 12U}) {
    const Bytes raw = preimage(near, bits, 7);
    CHECK(Key::of(raw).common_prefix(near) >= bits);
    CHECK(PeerId::from_bytes(raw).has_value());
    CHECK(raw == preimage(near, bits, 7));
  }
  CHECK(preimage(near, 8, 1) != preimage(near, 8, 2));
  CHECK(Key::of(preimage(near, 160, 1)).common_prefix(near) >= k_preimage_bits_max);
}

TEST_CASE("contact: groups are of public addresses, each once") {
  const auto parse = [](const char* text) { return Multiaddr::parse(text).value(); };
  CHECK(groups_of({parse("/ip4/8.8.4.4/tcp/1"), parse("/ip4/8.8.1.1/udp/2/quic-v1")}).size() == 1);
  CHECK(groups_of({parse("/ip4/8.8.4.4/tcp/1"), parse("/ip4/8.9.1.1/tcp/2")}).size() == 2);
  CHECK(groups_of({parse("/ip4/192.168.1.1/tcp/1"), parse("/dns4/example.com/tcp/1"),
                   parse("/ip6/::1/tcp/1"), parse("/ip4/127.0.0.1/tcp/1")})
            .empty());
  CHECK(
      groups_of({parse("/ip6/2a00:1450:1::1/tcp/1"), parse("/ip6/2a00:1450:2::1/tcp/1")}).size() ==
      1);
  CHECK(groups_of({parse("/ip6/::ffff:8.8.1.1/tcp/1"), parse("/ip4/8.8.4.4/tcp/1")}).size() == 1);
}

TEST_CASE("routing table: nearest first, whatever the order of arrival") {
  RoutingTable table(peer(0), {.per_group_max = 1000});
  CHECK(add(table, contact(0)) == Added::own);
  std::vector<PeerId> peers;
  for (std::uint64_t number = 1; number <= 300; ++number) {
    if (add(table, contact(number)) == Added::added) {
      peers.push_back(peer(number));
    }
  }
  CHECK(table.size() == peers.size());
  const Key target = Key::of(as_bytes("target"));
  std::ranges::sort(peers, {}, [&](const PeerId& id) { return Key::of(id).distance(target); });
  const auto closest = table.closest(target, 20);
  REQUIRE(closest.size() == 20);
  for (std::size_t i = 0; i < closest.size(); ++i) {
    CHECK(closest[i]->contact.peer == peers[i]);
  }
  CHECK(table.closest(target, 1000).size() == peers.size());
  CHECK(RoutingTable(peer(0)).closest(target, 20).empty());
}

TEST_CASE("routing table: who was there first stays while it answers; spares come in") {
  RoutingTable table(peer(0));
  const auto peers = of_bucket(table, 0, 26);
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(add(table, peers[i], k_start + (i * 1s)) == Added::added);
  }
  for (std::size_t i = 20; i < 26; ++i) {
    CHECK(add(table, peers[i]) == Added::spare);
  }
  CHECK(table.spares() == 4);  // the limit: the first two of them went
  CHECK(add(table, peers[24]) == Added::spare);
  CHECK(table.spares() == 4);
  CHECK(add(table, peers[3], k_start + 1min) == Added::known);
  CHECK_FALSE(table.failed(peers[3].peer));
  CHECK(add(table, peers[3]) == Added::known);  // it answers again: counts anew
  CHECK_FALSE(table.failed(peers[3].peer));
  CHECK(table.failed(peers[3].peer));
  CHECK(table.find(peers[3].peer) == nullptr);
  CHECK(table.size() == 20);
  CHECK(table.find(peers[24].peer) != nullptr);  // the one that was heard of last
  CHECK_FALSE(table.failed(peers[25].peer));     // a spare goes at once
  CHECK(table.spares() == 2);
  table.remove(peers[4].peer);
  table.remove(peers[4].peer);
  CHECK(table.size() == 20);
  CHECK(table.spares() == 1);
  CHECK_FALSE(table.failed(peer(999'999)));
}

TEST_CASE("routing table: nodes behind one relay are of the relay's group") {
  const auto behind = [](const std::string& ip) {
    return Multiaddr::parse("/ip4/" + ip + "/tcp/4001/p2p/" + peer(9).to_string() + "/p2p-circuit")
        .value();
  };
  CHECK(groups_of({behind("8.8.1.1")}) == groups_of({address("8.8.2.2")}));
  CHECK(groups_of({behind("192.168.1.1")}).empty());
  RoutingTable table(peer(0));
  for (std::uint64_t number = 1; number <= 100; ++number) {
    (void)add(table, {.peer = peer(number), .addresses = {behind("8.8.1.1")}});
  }
  CHECK(table.size() == 3);
}

TEST_CASE("routing table: nodes of one group of addresses are few, in a bucket and in all") {
  RoutingTable table(peer(0));
  std::map<Added, int> became;
  for (std::uint64_t number = 1; number <= 500; ++number) {
    const Contact sybil{.peer = peer(number),
                        .addresses = {address("8.8." + std::to_string(number % 256) + ".1")}};
    ++became[add(table, sybil)];
  }
  CHECK(became[Added::added] == 3);
  CHECK(became[Added::crowded] == 497);
  const auto sizes = table.bucket_sizes();
  CHECK(std::ranges::max(sizes) <= 2);
  for (std::uint64_t number = 1; number <= 60; ++number) {  // others are not kept out
    const Contact local{.peer = peer(1000 + number), .addresses = {address("192.168.1.1")}};
    add(table, local);
    add(table, contact(2000 + number));
  }
  CHECK(table.size() > 50);
  const auto gone = table.entries().front()->contact.peer;
  table.remove(gone);
  CHECK(table.find(gone) == nullptr);
}

TEST_CASE("routing table: limits on all peers, and on their addresses") {
  RoutingTable table(peer(0), {.bucket_size = 100, .peers_max = 30, .per_group_max = 1000});
  std::size_t full = 0;
  for (std::uint64_t number = 1; number <= 100; ++number) {
    full += add(table, contact(number)) == Added::full ? 1 : 0;
  }
  CHECK(table.size() == 30);
  CHECK(full == 70);
  RoutingTable other(peer(0), {.bucket_size = 1, .spares_max = 0});
  const auto peers = of_bucket(other, 0, 2);
  Contact talkative = peers[0];
  for (unsigned port = 1; port < 30; ++port) {
    talkative.addresses.push_back(address("9.9.9.9", port));
  }
  CHECK(add(other, talkative) == Added::added);
  CHECK(other.find(talkative.peer)->contact.addresses.size() == k_contact_addresses_max);
  CHECK(add(other, talkative) == Added::known);
  CHECK(other.find(talkative.peer)->contact.addresses.size() == k_contact_addresses_max);
  CHECK(add(other, peers[1]) == Added::full);
}

TEST_CASE("routing table: what is to be checked and refreshed") {
  RoutingTable table(peer(0), {.fresh = 10min});
  CHECK_FALSE(table.to_check(k_start));
  const auto peers = of_bucket(table, 0, 21);
  const auto deep = of_bucket(table, 2, 1);
  add(table, deep[0], k_start);
  for (std::size_t i = 0; i < 20; ++i) {
    add(table, peers[i], k_start + (i * 1s) + 1s);
  }
  CHECK_FALSE(table.to_check(k_start + 9min));
  CHECK(table.to_check(k_start + 10min)->peer == deep[0].peer);
  add(table, peers[20], k_start);  // waits: its bucket goes first
  CHECK(table.to_check(k_start + 11min)->peer == peers[0].peer);
  CHECK(table.stale_buckets(k_start, 10min) == std::vector<unsigned>{0, 1, 2});
  table.refreshed(0, k_start);
  table.refreshed(2, k_start + 5min);
  table.refreshed(77, k_start);
  CHECK(table.stale_buckets(k_start + 1min, 10min) == std::vector<unsigned>{1});
  CHECK(table.stale_buckets(k_start + 10min, 10min) == std::vector<unsigned>{0, 1});
}

TEST_CASE("routing table: how many of a bucket were heard of lately, and have not failed since") {
  RoutingTable table(peer(0));
  const rt::TimePoint now{1h};
  std::vector<Contact> first_bucket;
  for (std::uint64_t number = 1; first_bucket.size() < 3; ++number) {
    if (table.key().common_prefix(Key::of(peer(number))) == 0) {
      first_bucket.push_back(contact(number));
      (void)table.add(first_bucket.back(), {}, now);
    }
  }
  CHECK(table.heard_since(0, now - 1s) == 3);
  CHECK(table.heard_since(0, now) == 0);
  CHECK(table.heard_since(7, now - 1s) == 0);
  (void)table.failed(first_bucket[0].peer);
  CHECK(table.heard_since(0, now - 1s) == 2);
}

TEST_CASE("routing table: a snapshot names those heard of last, and is read strictly") {
  RoutingTable table(peer(0), {.per_group_max = 1000});
  for (std::uint64_t number = 1; number <= 40; ++number) {
    add(table, contact(number), k_start + (number * 1s));
  }
  const Bytes bytes = table.encode();
  const auto known = decode_snapshot(bytes);
  REQUIRE(known);
  CHECK(known->size() == table.size());
  CHECK(known->front() == table.closest(Key::of(known->front().peer), 1)[0]->contact);
  CHECK(decode_snapshot(RoutingTable(peer(0)).encode())->empty());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CHECK_FALSE(decode_snapshot(BytesView(bytes).first(length)));
  }
  Bytes more = bytes;
  more.push_back(0);
  CHECK(decode_snapshot(more).error().is(KadError::bad_snapshot));
  RoutingTable large(peer(0),
                     {.bucket_size = 400, .per_group_in_bucket_max = 9, .per_group_max = 9});
  for (std::uint64_t number = 1; number <= 400; ++number) {
    add(large, contact(number));
  }
  CHECK(decode_snapshot(large.encode())->size() == k_snapshot_peers_max);
}
