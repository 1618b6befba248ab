// Every attack against a whole node, in simulation: it stays within its limits, serves those who
// are honest, counts what it refused, and is at rest when it is over.
#include <doctest/doctest.h>

#include "stress/attack.hpp"
#include "stress/pulse.hpp"
#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace vivim::stress;
using namespace std::chrono_literals;
using rt::sim::World;

namespace {

constexpr int k_slower_max = 5;  ///< times the p99 of a quiet node
constexpr auto k_attack_time = 10s;

struct Person {
  explicit Person(rt::sim::Node& at, NodeOptions options = {})
      : machine(at),
        key(crypto::KeyPair::generate([&at](MutableBytes out) { at.rng().fill(out); })),
        node(key, at.loop(), at.network(), at.rng(), options) {}

  rt::sim::Node& machine;
  crypto::KeyPair key;
  Node node;
};

/// A node, a friend that is connected and reserved, and the machine of an attacker.
struct Siege {
  Siege() : world(11), machine(world.add_node("attacker")) {
    world.set_default_link({.latency = 10ms, .jitter = 2ms});
    victim = std::make_unique<Person>(world.add_node("victim"), NodeOptions{.serves = true});
    friendly = std::make_unique<Person>(world.add_node("friend"));
    REQUIRE(victim->node.listen(victim->machine.ip()));
    REQUIRE(friendly->node.listen(friendly->machine.ip()));
    REQUIRE(world.run(friendly->node.host().connect(victim->node.address(Way::tcp))));
    pulse = std::make_unique<Pulse>(friendly->node.host(), victim->node.peer());
  }
  ~Siege() {
    world.run(friendly->node.stop());
    world.run(victim->node.stop());
    CHECK(victim->node.host().resources().system().empty());
  }

  rt::Duration measure(rt::Duration time) {
    pulse->reset();
    world.run(pulse->take(time, 20ms));
    CHECK(pulse->failed() == 0);
    return pulse->p99();
  }
  Target target() const {
    return {.ip = victim->machine.ip(),
            .ports = victim->node.ports(),
            .peer = victim->node.peer(),
            .bystander = friendly->node.peer()};
  }
  /// Somebody new who is honest gets in, at any way.
  void check_newcomer(Way way) {
    Person newcomer(world.add_node("newcomer"));
    const auto connected = world.run(newcomer.node.host().connect(victim->node.address(way)));
    CHECK(connected.has_value());
    if (connected) {
      CHECK(world.run(newcomer.node.host().ping(*connected)).has_value());
    }
    world.run(newcomer.node.stop());
  }
  void check_limits() const {
    const auto& resources = victim->node.host().resources();
    const libp2p::HostLimits limits;
    CHECK(resources.system().connections[0] <= limits.inbound_connections_max);
    CHECK(resources.transient().connections[0] <= limits.handshakes_max);
    CHECK(resources.system().streams[0] <=
          limits.inbound_streams_max * limits.inbound_connections_max);
  }

  World world;
  rt::sim::Node& machine;
  std::unique_ptr<Person> victim;
  std::unique_ptr<Person> friendly;
  std::unique_ptr<Pulse> pulse;
};

void withstand(const Attack& attack) {
  CAPTURE(attack.name);
  Siege siege;
  const auto quiet = siege.measure(5s);
  const auto refused = siege.victim->node.refusals();
  Ground ground(siege.machine.loop(), siege.machine.network(), siege.machine.rng(), siege.target());
  ground.begin(attack.shot, attack.parallel);
  siege.world.run_for(2s);
  for (const Way way : {Way::tcp, Way::ws, Way::quic}) {
    siege.check_newcomer(way);
    siege.check_limits();
  }
  const auto attacked = siege.measure(k_attack_time);
  siege.check_limits();
  CHECK(attacked < k_slower_max * quiet);
  CHECK(ground.shots() > 0);
  siege.world.run(ground.stop());
  siege.world.run_for(60s);
  CHECK((attack.answer == Answer::borne || siege.victim->node.refusals() > refused));
  CHECK(siege.victim->node.host().peers().size() == 1);
  CHECK(siege.victim->node.host().resources().transient().empty());
}

}  // namespace

TEST_CASE("hostile: attacks before anything is secured") {
  for (const auto& attack : raw_attacks()) {
    withstand(attack);
  }
}

TEST_CASE("hostile: attacks by frames of a muxer") {
  for (const auto& attack : muxer_attacks()) {
    withstand(attack);
  }
}

TEST_CASE("hostile: attacks on services") {
  for (const auto& attack : service_attacks()) {
    withstand(attack);
  }
}
