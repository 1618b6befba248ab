#include "vivim/libp2p/bootstrap/bootstrap.hpp"

#include <doctest/doctest.h>

#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::bootstrap;
using namespace std::chrono_literals;

namespace {

const rt::TimePoint k_start{1h};

PeerId peer_of(std::uint8_t seed) {
  return PeerId::of(crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, seed))));
}

Multiaddr address_of(std::uint8_t seed, int port = 1) {
  return Multiaddr::parse("/ip4/10.0.0.9/tcp/" + std::to_string(port))
      .value()
      .with_peer(peer_of(seed))
      .value();
}

bool nobody(const PeerId&) {
  return false;
}

struct Node {
  explicit Node(rt::sim::Node& node_)
      : node(node_),
        key(crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })),
        host({.key = key}, node.loop(), node.network(), node.rng()),
        address(host.listen(Multiaddr::parse("/ip4/" + node.ip().to_string() + "/tcp/4001").value())
                    .value()
                    .with_peer(host.peer_id())
                    .value()) {}
  rt::sim::Node& node;
  crypto::KeyPair key;
  Host host;
  Multiaddr address;
};

}  // namespace

TEST_CASE("bootstrap plan: dials until there are enough, several at once, no peer twice") {
  Plan plan({.connections_min = 3, .dials_max = 2, .seed = 5});
  for (std::uint8_t i = 1; i <= 5; ++i) {
    REQUIRE(plan.add(address_of(i)));
  }
  const auto first = plan.next(k_start, 0, nobody);
  const auto second = plan.next(k_start, 0, nobody);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->peer != second->peer);
  CHECK_FALSE(plan.next(k_start, 0, nobody));  // dials_max
  plan.succeeded(first->peer, k_start);
  CHECK_FALSE(plan.next(k_start, 2, nobody));  // 2 connected, 1 under way
  CHECK(plan.next(k_start, 1, nobody));
  CHECK_FALSE(Plan({}).next(k_start, 0, nobody));
}

TEST_CASE("bootstrap plan: who failed waits longer each time, not exactly, and not forever") {
  Plan plan({.connections_min = 1, .retry_min = 8s, .retry_max = 60s, .seed = 1});
  REQUIRE(plan.add(address_of(1)));
  rt::TimePoint now = k_start;
  std::vector<rt::Duration> waits;
  for (int i = 0; i < 8; ++i) {
    REQUIRE(plan.next(now, 0, nobody));
    plan.failed(peer_of(1), now);
    CHECK_FALSE(plan.next(now, 0, nobody));
    const auto due = plan.next_deadline(now);
    REQUIRE(due);
    waits.push_back(*due - now);
    now = *due;
  }
  CHECK(waits[0] > 4s);
  CHECK(waits[0] <= 8s);
  CHECK(waits[2] > 16s);
  CHECK(waits.back() <= 60s);
  CHECK(waits.back() > 30s);
  REQUIRE(plan.next(now, 0, nobody));
  plan.succeeded(peer_of(1), now);
  now += 1min;
  plan.disconnected(peer_of(1), now);
  REQUIRE(plan.next(now, 0, nobody));
  plan.failed(peer_of(1), now);
  CHECK(*plan.next_deadline(now) - now <= 8s);
}

TEST_CASE("bootstrap plan: a connection that ends soon is a failure, one that lasted is none") {
  Plan plan({.connections_min = 1, .retry_min = 8s, .retry_max = 60s, .seed = 1});
  REQUIRE(plan.add(address_of(1)));
  rt::TimePoint now = k_start;
  for (int i = 0; i < 6; ++i) {
    REQUIRE(plan.next(now, 0, nobody));
    plan.succeeded(peer_of(1), now);
    plan.disconnected(peer_of(1), now + 1ms);
    CHECK_FALSE(plan.next(now + 4s, 0, nobody));
    now = *plan.next_deadline(now + 1ms);
  }
  CHECK(now - k_start > 100s);
  REQUIRE(plan.next(now, 0, nobody));
  plan.succeeded(peer_of(1), now);
  now += 2min;
  plan.disconnected(peer_of(1), now);
  plan.disconnected(peer_of(1), now);  // told twice
  plan.disconnected(peer_of(2), now);  // not of the list
  REQUIRE(plan.next(now, 0, nobody));
  plan.failed(peer_of(1), now);
  CHECK(*plan.next_deadline(now) - now <= 8s);
}

TEST_CASE("bootstrap plan: what is no entry of the list, and limits") {
  Plan plan({});
  CHECK(
      plan.add(Multiaddr::parse("/ip4/1.2.3.4/tcp/1").value()).error().is(BootstrapError::no_peer));
  for (std::size_t i = 0; i < k_addresses_max; ++i) {
    REQUIRE(plan.add(address_of(1, static_cast<int>(i) + 1)));
  }
  CHECK(plan.add(address_of(1, 1)));  // known
  CHECK(plan.add(address_of(1, 99)).error().is(BootstrapError::too_many_addresses));
  Plan full({});
  for (std::size_t i = 0; i < k_peers_max; ++i) {
    REQUIRE(full.add(address_of(static_cast<std::uint8_t>(i))));
  }
  const auto other = PeerId::parse("QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ").value();
  CHECK(
      full.add(address_of(1).with_peer(other).value()).error().is(BootstrapError::too_many_peers));
}

TEST_CASE("bootstrap: a node connects, stays connected, and tries again") {
  rt::sim::World world(17);
  Node a(world.add_node("a"));
  Node b(world.add_node("b"));
  Node c(world.add_node("c"));
  Bootstrap bootstrap(a.host, a.node.loop(), a.node.rng(), {.connections_min = 2});
  REQUIRE(bootstrap.add(b.address));
  REQUIRE(bootstrap.add(c.address));
  REQUIRE(bootstrap.add(a.address));  // ourselves: never dialled
  world.partition(a.node, c.node);
  bootstrap.start();
  world.run_for(1s);
  CHECK(a.host.connected(b.host.peer_id()));
  CHECK_FALSE(a.host.connected(c.host.peer_id()));
  world.run_for(1min);
  world.heal(a.node, c.node);
  CHECK(world.run_until([&] { return a.host.connected(c.host.peer_id()); }, 11min));
  world.reset_connections(a.node, b.node);
  CHECK(world.run_until([&] { return !a.host.connected(b.host.peer_id()); }, 1min));
  CHECK(world.run_until([&] { return a.host.connected(b.host.peer_id()); }, 1min));
  world.run(a.host.stop());
  world.run(bootstrap.stop());
  world.run(b.host.stop());
  world.run(c.host.stop());
}

TEST_CASE("hostile: a bootstrap peer that accepts and closes is not dialled again at once") {
  rt::sim::World world(18);
  Node a(world.add_node("a"));
  Node b(world.add_node("b"));
  int accepted = 0;
  const auto subscription = b.host.subscribe([&](const HostEvent& event) {
    if (event.kind == HostEvent::Kind::connected) {
      ++accepted;
      b.host.disconnect(*event.peer);
    }
  });
  Bootstrap bootstrap(a.host, a.node.loop(), a.node.rng(), {.connections_min = 1});
  REQUIRE(bootstrap.add(b.address));
  bootstrap.start();
  world.run_for(2min);
  CHECK(accepted > 1);
  CHECK(accepted < 10);
  world.run(a.host.stop());
  world.run(bootstrap.stop());
  world.run(b.host.stop());
}
