#include "vivim/gateway/host_network.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/perf/service.hpp"
#include "vivim/rt/sim/world.hpp"

namespace vivim::gateway::test {

namespace {

/// A host on a machine of its own.
struct NetworkPeer {
  NetworkPeer(rt::sim::World& world, std::string name)
      : node(world.add_node(std::move(name))),
        key(crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })),
        host({.key = key}, node.loop(), node.network(), node.rng()) {
    const auto listening = host.listen(
        multiformats::Multiaddr::parse("/ip4/" + node.ip().to_string() + "/tcp/0").value());
    REQUIRE(listening);
  }

  rt::sim::Node& node;
  crypto::KeyPair key;
  libp2p::Host host;
};

}  // namespace

TEST_CASE("host network: identity, connecting, peers") {
  rt::sim::World world(9);
  NetworkPeer alice(world, "alice");
  NetworkPeer bob(world, "bob");
  EventHub events;
  HostNetwork network(alice.host, alice.key.public_key(), events);

  const auto identity = world.run(network.identity());
  REQUIRE(identity);
  CHECK(identity->peer_id == alice.host.peer_id().to_string());
  CHECK(identity->public_key.size() == 64);
  CHECK(identity->addresses.front().ends_with("/p2p/" + identity->peer_id));
  CHECK(world.run(network.peers())->peers.empty());

  const std::string address = bob.host.listen_addresses().front().to_string();
  CHECK(world.run(network.connect(address)).value() == bob.host.peer_id().to_string());
  world.run_for(std::chrono::seconds(1));
  const auto peers = world.run(network.peers());
  REQUIRE(peers->peers.size() == 1);
  const auto& peer = peers->peers.front();
  CHECK(peer.direction == "outbound");
  CHECK(peer.connected_ms >= 1000);
  CHECK(peer.agent == "vivim");
  CHECK(peer.transport == "tcp");
  CHECK(peer.security == "/noise");

  const auto bobs = bob.host.peer_id().to_string();
  const auto pinged = world.run(network.ping(bobs));
  REQUIRE(pinged);
  CHECK(pinged->rtt_ms > 0);
  CHECK(world.run(network.measure(bobs, 1000, 1000)).error().code == "perf_not_offered");
  {
    libp2p::perf::Server server(bob.host, bob.node.loop());
    const auto measured = world.run(network.measure(address, 50'000, 70'000));
    REQUIRE(measured);
    CHECK(measured->upload_bytes == 50'000);
    CHECK(measured->download_bytes == 70'000);
    CHECK(measured->upload_s > 0);
    bob.host.unhandle(std::string(libp2p::perf::k_protocol_id));
  }
  const auto limits = world.run(network.limits());
  REQUIRE(limits);
  CHECK(limits->limits.size() == 4 * 6 + 3);
  const auto outbound =
      std::ranges::find(limits->limits, "limits.system.connections_outbound", &LimitStatus::key);
  REQUIRE(outbound != limits->limits.end());
  CHECK(outbound->used == 1);
  REQUIRE(limits->layers.size() == 8);
  CHECK(limits->layers.front().limit == 192);
  CHECK(limits->last_refusal.empty());

  CHECK(world.run(network.disconnect(bobs)));
  world.run_for(std::chrono::seconds(1));
  const auto left = world.run(network.peers());
  CHECK(left->peers.empty());
  REQUIRE(left->ended.size() == 1);
  CHECK(left->ended.front().peer_id == bobs);
  CHECK(left->ended.front().cause == "local");
  CHECK(left->ended.front().direction == "outbound");
  CHECK(left->ended.front().ended_ms > 0);
  CHECK(world.run(network.disconnect(bobs)).error().kind == ProblemKind::not_found);
  CHECK(world.run(network.ping(bobs)));  // where it was seen before
  CHECK(world.run(network.ping("12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"))
            .error()
            .kind == ProblemKind::not_found);
  CHECK(world.run(network.ping("nobody")).error().kind == ProblemKind::bad_input);

  world.run(bob.host.stop());
  world.run(alice.host.stop());
}

TEST_CASE("host network: who cannot be reached") {
  rt::sim::World world(9);
  NetworkPeer alice(world, "alice");
  NetworkPeer bob(world, "bob");
  EventHub events;
  HostNetwork network(alice.host, alice.key.public_key(), events);
  const std::string address = bob.host.listen_addresses().front().to_string();
  const auto status = [&](std::string text) {
    return world.run(network.connect(std::move(text))).error().kind;
  };
  CHECK(status("nonsense") == ProblemKind::bad_input);
  CHECK(status("/ip4/10.0.0.1/tcp/1") == ProblemKind::bad_input);
  CHECK(status(alice.host.listen_addresses().front().to_string()) == ProblemKind::bad_input);
  world.run(bob.host.stop());
  world.run_for(std::chrono::seconds(1));
  CHECK(status(address) == ProblemKind::unavailable);
  world.run(alice.host.stop());
}

TEST_CASE("host network: what ended is remembered up to a limit, and why") {
  rt::sim::World world(9);
  NetworkPeer alice(world, "alice");
  NetworkPeer bob(world, "bob");
  EventHub events;
  HostNetwork network(alice.host, alice.key.public_key(), events);
  const std::string address = bob.host.listen_addresses().front().to_string();
  for (std::size_t i = 0; i < k_ended_connections_max; ++i) {
    REQUIRE(world.run(network.connect(address)));
    while (bob.host.peers().empty()) {  // the last bytes of the handshake arrive there
      world.run_for(std::chrono::milliseconds(100));
    }
    bob.host.disconnect(alice.host.peer_id());
    while (!alice.host.peers().empty()) {
      world.run_for(std::chrono::milliseconds(100));
    }
  }
  REQUIRE(world.run(network.connect(address)));
  bob.node.crash();
  world.run_for(std::chrono::minutes(2));
  const auto ended = world.run(network.peers())->ended;
  REQUIRE(ended.size() == k_ended_connections_max);
  CHECK(ended.front().cause == "lost");
  CHECK(ended.front().reason.starts_with("lost: "));
  CHECK(ended.back().cause == "remote");
  CHECK(ended.front().ended_ms < ended.back().ended_ms);
  world.run(alice.host.stop());
  world.run(bob.host.stop());
}

TEST_CASE("host network: a limit is not taken for a peer that is away") {
  rt::sim::World world(9);
  NetworkPeer bob(world, "bob");
  auto& node = world.add_node("narrow");
  const auto key = crypto::KeyPair::generate([&](MutableBytes out) { node.rng().fill(out); });
  libp2p::limits::Limits limits;
  limits.system.connections_outbound = 0;
  libp2p::Host narrow({.key = key, .resources = limits}, node.loop(), node.network(), node.rng());
  EventHub events;
  HostNetwork network(narrow, key.public_key(), events);
  const auto refused = world.run(network.connect(bob.host.listen_addresses().front().to_string()));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "limit_reached");
  CHECK(refused.error().kind == ProblemKind::conflict);
  CHECK(refused.error().message.find("limits.system.connections_outbound") != std::string::npos);
  CHECK(world.run(network.limits())->last_refusal.find("0 of 0 in use") != std::string::npos);
  world.run(narrow.stop());
  world.run(bob.host.stop());
}

}  // namespace vivim::gateway::test
