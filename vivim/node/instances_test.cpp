// Nodes say where they are, over hosts that gossip in a simulated world.
#include "vivim/node/instances.hpp"

#include <doctest/doctest.h>

#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace vivim::node;
using namespace std::chrono_literals;
namespace gossipsub = vivim::libp2p::gossipsub;
namespace record = vivim::libp2p::record;
using multiformats::Multiaddr;

namespace {

gossipsub::ServiceOptions signed_by(const crypto::KeyPair& key) {
  gossipsub::ServiceOptions options;
  options.router.signer = record::Signer::of(key);
  return options;
}

struct InstanceNode {
  InstanceNode(rt::sim::World& world_, std::uint8_t number)
      : world(world_),
        node(world.add_node("n" + std::to_string(number))),
        key(crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, number)))),
        host({.key = key}, node.loop(), node.network(), node.rng()),
        gossip(host, node.loop(), node.rng(), signed_by(key)),
        instances(host, gossip, record::Signer::of(key),
                  [this](const multiformats::PeerId& peer) { found.push_back(peer); }) {
    address = host.listen(Multiaddr::parse("/ip4/" + node.ip().to_string() + "/tcp/4001").value())
                  .value()
                  .with_peer(host.peer_id())
                  .value();
    REQUIRE(gossip.start());
    REQUIRE(instances.start());
  }
  ~InstanceNode() {
    world.run(instances.stop());
    world.run(host.stop());
    world.run(gossip.stop());
  }
  InstanceNode(const InstanceNode&) = delete;
  InstanceNode& operator=(const InstanceNode&) = delete;

  rt::sim::World& world;
  rt::sim::Node& node;
  crypto::KeyPair key;
  std::vector<multiformats::PeerId> found;
  libp2p::Host host;
  gossipsub::Service gossip;
  Instances instances;
  Multiaddr address = Multiaddr::parse("/ip4/127.0.0.1/tcp/1").value();
};

}  // namespace

TEST_CASE("instances: who is in the topic is found, and can be dialled") {
  rt::sim::World world(1);
  InstanceNode alice(world, 1);
  InstanceNode bob(world, 2);
  InstanceNode carol(world, 3);
  REQUIRE(world.run(alice.host.connect(bob.address)));
  REQUIRE(world.run(carol.host.connect(bob.address)));
  world.run_for(1min);
  CHECK(std::ranges::count(alice.found, carol.host.peer_id()) == 1);
  CHECK(std::ranges::count(carol.found, alice.host.peer_id()) == 1);
  CHECK(alice.found.size() == 1);  // bob has told her himself
  CHECK(alice.instances.counts().taken == 2);
  CHECK(world.run(carol.host.connect(alice.host.peer_id(), {})));
  world.run_for(10min);
  CHECK(alice.instances.counts().told == 2);
}

TEST_CASE("instances: what is no record of its author, old, or too much goes no further") {
  rt::sim::World world(2);
  InstanceNode mallory(world, 1);
  InstanceNode bob(world, 2);
  InstanceNode carol(world, 3);
  REQUIRE(world.run(mallory.host.connect(bob.address)));
  REQUIRE(world.run(carol.host.connect(bob.address)));
  world.run_for(1min);
  const auto taken = carol.instances.counts().taken;
  const auto say = [&](const Bytes& data) {
    REQUIRE(mallory.gossip.publish(k_instances_topic, data));
    world.run_for(2s);
  };
  const auto signer = record::Signer::of(mallory.key);
  const std::vector<Multiaddr> many(k_instance_addresses_max + 9, bob.address.without_peer());
  say(Bytes{1, 2, 3});
  say(record::seal_peer_record(record::Signer::of(carol.key), 1, many));
  CHECK(bob.instances.counts().refused == 2);
  const auto now = static_cast<std::uint64_t>(mallory.node.clock().wall_now_ms());
  say(record::seal_peer_record(signer, 1, {}));
  CHECK(bob.instances.counts().old == 1);
  for (std::uint64_t i = 0; i < 8; ++i) {
    say(record::seal_peer_record(signer, now + i, many));
  }
  CHECK(bob.instances.counts().throttled >= 4);
  CHECK(carol.instances.counts().refused == 0);
  CHECK(carol.instances.counts().old == 0);
  CHECK(carol.instances.counts().taken <= taken + 4);
  const auto* known = carol.host.peer_store().find(mallory.host.peer_id());
  REQUIRE(known != nullptr);
  CHECK(carol.host.peer_store()
            .addresses(mallory.host.peer_id(),
                       libp2p::peerstore::Time(carol.node.clock().wall_now_ms()))
            .size() <= k_instance_addresses_max);
}
