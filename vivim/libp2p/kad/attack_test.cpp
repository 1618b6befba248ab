// Attacks on the DHT, and the plain algorithm beside ours. Those on tables and paths are run on the
// cores alone, with a thousand nodes; those on a key with whole hosts in a simulated network.
#include <set>

#include <doctest/doctest.h>

#include "vivim/libp2p/kad/content_record.hpp"
#include "vivim/libp2p/kad/dht_test_detail.hpp"
#include "vivim/libp2p/kad/liar.hpp"
#include "vivim/libp2p/kad/network_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::kad;
using namespace vivim::libp2p::kad::test;
using namespace std::chrono_literals;

namespace {

/// The plain algorithm: one path, no limits on groups of addresses, no regions.
QueryOptions plain_query() {
  return {.paths = 1, .per_group_max = 0};
}

/// How many of a hundred lookups find most of the honest nodes nearest to their key.
std::size_t honest_lookups(Network& network, const std::set<PeerId>& liars,
                           const QueryOptions& options) {
  std::size_t good = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    const Key target = Key::of(as_bytes("key " + std::to_string(i)));
    auto& from = network.node(i % 50);
    Query query(target, from.contact.peer, network.seeds(from, target), options);
    network.run(query);
    std::vector<PeerId> nearest;
    for (const PeerId& peer : network.nearest(target, network.size())) {
      if (!liars.contains(peer) && peer != from.contact.peer && nearest.size() < 10) {
        nearest.push_back(peer);
      }
    }
    const auto found = query.closest();
    std::size_t held = 0;
    for (const Contact& contact : found) {
      held += std::ranges::count(nearest, contact.peer) != 0 ? 1 : 0;
    }
    good += held >= 3 ? 1 : 0;  // a record that was stored there is found
  }
  return good;
}

}  // namespace

TEST_CASE(
    "attack: buckets filled from one prefix: our tables keep honest nodes, plain ones do not") {
  const auto fill = [](RoutingTableLimits limits) {
    RoutingTable table(peer(0), limits);
    const rt::TimePoint now{1h};
    for (std::uint64_t number = 1; number <= 5000; ++number) {  // the attacker comes first
      const Contact sybil{.peer = peer(1'000'000 + number),
                          .addresses = {address("8.8." + std::to_string(number % 250) + ".1")}};
      (void)table.add(sybil, groups_of(sybil.addresses), now);
    }
    std::set<PeerId> honest;
    for (std::uint64_t number = 1; number <= 500; ++number) {
      const Contact one = contact(number);
      (void)table.add(one, groups_of(one.addresses), now);
      honest.insert(one.peer);
    }
    std::size_t good = 0;
    for (const TableEntry* entry : table.entries()) {
      good += honest.contains(entry->contact.peer) ? 1 : 0;
    }
    return static_cast<double>(good) / static_cast<double>(table.size());
  };
  const double ours = fill({});
  const double plain = fill({.per_group_in_bucket_max = 10'000, .per_group_max = 10'000});
  MESSAGE("honest part of the table: ours " << ours << ", plain " << plain);
  CHECK(ours >= 0.95);
  CHECK(plain < 0.2);
}

TEST_CASE("attack: nodes of one prefix fill buckets and tell only of each other: our lookups pass" *
          doctest::test_suite("long")) {
  // Three hundred of them beside four hundred honest nodes, in two /16s, with ids anywhere; every
  // node knows them first.
  constexpr std::uint64_t k_honest = 400;
  constexpr std::uint64_t k_sybils = 300;
  std::vector<Contact> sybils;
  std::vector<std::pair<Key, std::size_t>> places;
  std::set<PeerId> liars;
  for (std::uint64_t number = 0; number < k_sybils; ++number) {
    sybils.push_back({.peer = peer(1'000'000 + number),
                      .addresses = {address((number % 2 == 0 ? "8.8." : "9.9.") +
                                            std::to_string(number % 250) + ".1")}});
    places.emplace_back(Key::of(sybils.back().peer), number);
    liars.insert(sybils.back().peer);
  }
  const auto lie = [&sybils, &places](const Key& target) {
    auto nearest = places;
    std::ranges::partial_sort(nearest, nearest.begin() + k_replication, {},
                              [&target](const auto& one) { return one.first.distance(target); });
    std::vector<Contact> closer;
    for (std::size_t i = 0; i < k_replication; ++i) {
      closer.push_back(sybils[nearest[i].second]);
    }
    return std::optional(closer);
  };
  const auto run = [&](const RoutingTableLimits& limits, const QueryOptions& options) {
    Network network(0, limits);
    for (std::uint64_t number = 1; number <= k_honest; ++number) {
      auto& node = network.join(contact(number));
      for (const Contact& sybil : sybils) {
        Network::meet(node, sybil);
      }
    }
    for (const Contact& sybil : sybils) {
      network.join(sybil, lie);
    }
    for (std::size_t i = 0; i < k_honest; ++i) {
      network.fill(network.node(i));
    }
    return honest_lookups(network, liars, options);
  };
  const auto ours = run({.per_group_max = 20}, {});  // some honest nodes share a /16 here
  const auto plain = run({.per_group_in_bucket_max = 1000, .per_group_max = 1000}, plain_query());
  MESSAGE("lookups that succeed, of 100: ours " << ours << ", plain " << plain);
  CHECK(ours >= 95);
  CHECK(plain < 50);
}

namespace {

/// A host that answers as it likes.
struct Sybil {
  Sybil(DhtNetwork& net, std::size_t index, crypto::KeyPair pair, const Lie& lie)
      : machine(net.world.add_node("s" + std::to_string(index))),
        key(std::move(pair)),
        host(host_options(net.authority, key, machine), machine.loop(), machine.network(),
             machine.rng()),
        liar(host, lie) {
    VIVIM_ASSERT(
        host.listen(Multiaddr::parse("/ip4/" + machine.ip().to_string() + "/tcp/4001").value()));
    VIVIM_ASSERT(liar.start({std::string(k_protocol_id)}));
  }

  rt::sim::Node& machine;
  crypto::KeyPair key;
  Host host;
  Liar liar;
};

/// Honest nodes, and sybils around one key, whom the honest know.
struct Siege {
  static constexpr std::size_t k_honest = 60;
  static constexpr std::size_t k_sybils = 24;

  Siege(const Bytes& key, bool hardened) : net(k_honest, 29, options(hardened)) {
    std::uint64_t number = 1'000'000;
    const auto make = [&number] { return key_pair(++number); };
    for (std::size_t i = 0; i < k_sybils; ++i) {
      sybils.push_back(std::make_unique<Sybil>(net, i, key_pair_near(Key::of(key), 9, make), lie));
      lie.add_friend(sybils.back()->liar.info());
      lie.add_provider({.contact = contact(900'000 + i)});
    }
    for (auto& sybil : sybils) {
      for (std::size_t i = 0; i < k_honest; i += 3) {
        (void)net.world.run(sybil->host.connect(net[i].address));
      }
    }
    net.world.run_for(30s);
  }
  ~Siege() {
    for (auto& sybil : sybils) {
      net.world.run(sybil->host.stop());
    }
  }
  /// One that no lookup of the key passes by chance.
  DhtNode& farthest(const Bytes& key) {
    const auto distance = [&key](const auto& node) {
      return Key::of(node->peer()).distance(Key::of(key));
    };
    return **std::ranges::max_element(net.nodes, {}, distance);
  }
  static DhtOptions options(bool hardened) {
    DhtOptions made = DhtNetwork::server();
    if (!hardened) {
      made.query = plain_query();
      made.regions = Regions::never;
    }
    return made;
  }

  DhtNetwork net;
  Lie lie;
  std::vector<std::unique_ptr<Sybil>> sybils;
};

constexpr std::size_t k_askers = 20;
constexpr std::size_t k_plain_askers = 8;  ///< enough to see that it fails

std::size_t find_provided(bool hardened, std::size_t askers) {
  const Bytes key = content(1);
  Siege siege(key, hardened);
  auto& provider = siege.farthest(key);
  (void)siege.net.world.run(provider.dht.provide(key));
  siege.net.world.run_for(5s);
  std::size_t good = 0;
  for (std::size_t i = 0; i < askers; ++i) {
    // As elsewhere, the plain algorithm is content with twenty providers.
    const auto found = siege.net.world.run(
        siege.net[10 + (i * 2)].dht.find_providers(key, {.enough = hardened ? 0 : k_replication}));
    good += found && std::ranges::any_of(found->providers,
                                         [&](const FoundProvider& one) {
                                           return one.contact.peer == provider.peer();
                                         })
                ? 1
                : 0;
  }
  return good;
}

std::size_t get_value(bool hardened, std::size_t askers) {
  const auto pair = key_pair(2);  // of the second node
  const Bytes key = content_key(PeerId::of(pair), "profile");
  Siege siege(key, hardened);
  auto& publisher = siege.net[1];
  const Bytes value =
      seal_content(record::Signer::of(pair), "profile", 1,
                   publisher.machine.clock().wall_now_ms() + 3'600'000, as_bytes("censored"));
  (void)siege.net.world.run(publisher.dht.put_value(key, value));
  siege.net.world.run_for(5s);
  std::size_t good = 0;
  for (std::size_t i = 0; i < askers; ++i) {
    const auto found = siege.net.world.run(siege.net[10 + (i * 2)].dht.get_value(key));
    good += found && found->value == value ? 1 : 0;
  }
  return good;
}

}  // namespace

TEST_CASE(
    "attack: sybils around a key return false providers: ours finds the true one, plain does not" *
    doctest::test_suite("long")) {
  const auto ours = find_provided(true, k_askers);
  const auto plain = find_provided(false, k_plain_askers);
  MESSAGE("lookups that succeed: ours " << ours << " of " << k_askers << ", plain " << plain
                                        << " of " << k_plain_askers);
  CHECK(ours * 100 >= k_askers * 95);
  CHECK(plain * 4 <= k_plain_askers);
}

TEST_CASE("attack: sybils around a key censor its value: ours gets it, plain does not" *
          doctest::test_suite("long")) {
  const auto ours = get_value(true, k_askers);
  const auto plain = get_value(false, k_plain_askers);
  MESSAGE("lookups that succeed: ours " << ours << " of " << k_askers << ", plain " << plain
                                        << " of " << k_plain_askers);
  CHECK(ours * 100 >= k_askers * 95);
  CHECK(plain * 4 <= k_plain_askers);
}
