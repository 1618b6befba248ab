#pragma once

#include <memory>
#include <utility>

#include "vivim/libp2p/host/host_test_detail.hpp"
#include "vivim/libp2p/host/noise_security.hpp"
#include "vivim/libp2p/host/yamux_connection.hpp"

namespace vivim::libp2p::test {

using rt::sim::World;
using std::chrono_literals::operator""s;

/// A node without a host, which speaks as much of the protocols as a test wants.
struct Attacker {
  explicit Attacker(World& world_, TestHost& victim_)
      : world(world_),
        node(world.add_node("attacker")),
        victim(victim_),
        key(crypto::KeyPair::generate(random())),
        noise(noise::Identity(key, random()), node.rng()),
        identity(noise.identity()) {}

  crypto::RandomSource random() {
    return [this](MutableBytes out) { node.rng().fill(out); };
  }
  std::unique_ptr<rt::Stream> dial() {
    auto connection = world.run(node.network().dial({.ip = victim.node.ip(), .port = k_port}, 5s));
    REQUIRE(connection);
    return std::move(connection->stream);
  }
  UpgradeProtocols protocols() {
    return {.securities = {&noise}, .muxers = {std::string(yamux::k_protocol_id)}};
  }
  Upgraded secured() {
    auto upgraded = world.run(upgrade(dial(), protocols(), {}));
    REQUIRE(upgraded);
    return std::move(*upgraded);
  }
  std::unique_ptr<MuxedConnection> connection(yamux::Config config = {}) {
    Upgraded upgraded = secured();
    return YamuxMuxer(config).make(node.loop(), Direction::outbound, std::move(upgraded.stream),
                                   std::move(upgraded.early));
  }

  World& world;
  rt::sim::Node& node;
  TestHost& victim;
  crypto::KeyPair key;
  NoiseSecurity noise;
  const noise::Identity& identity;
};

/// A victim, an attacker, and a well-behaved host that must still be served at the end.
struct Siege {
  explicit Siege(HostLimits limits = {}, HostTimes times = {})
      : victim(world.add_node("victim"), limits, times),
        friendly(world.add_node("friend")),
        attacker(world, victim) {}
  ~Siege() {
    world.run_for(1s);
    CHECK(world.run(friendly.host.connect(victim.address)));
    const auto answer = world.run(echo_once(friendly.host, friendly.node.loop(),
                                            victim.host.peer_id(), to_bytes("still there?")));
    CHECK(answer.has_value());
    world.run(friendly.host.stop());
    world.run(victim.host.stop());
  }

  World world{7};
  TestHost victim;
  TestHost friendly;
  Attacker attacker;
};

/// Runs an attacker's connection beside a scenario.
struct Running {
  Running(Siege& siege_, yamux::Config config = {})
      : siege(siege_),
        connection(siege.attacker.connection(config)),
        tasks(siege.attacker.node.loop()) {
    tasks.spawn("attacker", connection->run());
  }
  ~Running() {
    connection->close({.cause = CloseCause::local});
    siege.world.run(tasks.stop());
  }
  Siege& siege;
  std::unique_ptr<MuxedConnection> connection;
  rt::TaskGroup tasks;
};

}  // namespace vivim::libp2p::test
