// Whom a host connects with, and whom it keeps.
#include "vivim/libp2p/host/host_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::test;
using namespace std::chrono_literals;
using Kind = HostEvent::Kind;
using rt::sim::World;

namespace {

enum class Step : std::uint8_t { none, dial, address, accept, secured, upgraded };

/// Refuses at one step.
class Refuser final : public ConnectionGater {
 public:
  explicit Refuser(Step& step) : step_(step) {}
  bool allow_dial(const PeerId&) override { return step_ != Step::dial; }
  bool allow_address(const PeerId&, const Multiaddr&) override { return step_ != Step::address; }
  bool allow_accept(const Multiaddr&) override { return step_ != Step::accept; }
  bool allow_secured(Direction, const PeerId&, const Multiaddr&) override {
    return step_ != Step::secured;
  }
  bool allow_upgraded(Direction, const PeerId&, const Multiaddr&) override {
    return step_ != Step::upgraded;
  }

 private:
  Step& step_;
};

/// A host with options, and many that connect with it.
struct Policy {
  explicit Policy(HostOptions options)
      : host(std::move(options), node.loop(), node.network(), node.rng()),
        subscription(host.subscribe([this](const HostEvent& event) { events.push_back(event); })) {
    address = host.listen(Multiaddr::from_tcp(node.ip().to_string(), k_port).value())
                  .value()
                  .with_peer(host.peer_id())
                  .value();
  }
  Policy(const Policy&) = delete;
  ~Policy() {
    for (const auto& other : others) {
      world.run(other->host.stop());
    }
    world.run(host.stop());
  }
  TestHost& add() {
    others.push_back(
        std::make_unique<TestHost>(world.add_node("n" + std::to_string(others.size()))));
    return *others.back();
  }
  bool has(const TestHost& other) const { return host.connected(other.host.peer_id()); }

  static inline World* current = nullptr;
  World& world = *current;
  rt::sim::Node& node = world.add_node("host");
  Host host;
  std::vector<HostEvent> events;
  Subscription subscription;
  Multiaddr address;
  std::vector<std::unique_ptr<TestHost>> others;
};

crypto::KeyPair some_key(World& world) {
  return crypto::KeyPair::generate([&world](MutableBytes out) {
    for (auto& byte : out) {
      byte = static_cast<std::uint8_t>(world.rng().next());
    }
  });
}

}  // namespace

TEST_CASE("gater: refuses at each step") {
  World world(1);
  Policy::current = &world;
  const auto key = some_key(world);
  Step step = Step::none;
  HostOptions options{.key = key};
  options.gater = std::make_unique<Refuser>(step);
  Policy policy(std::move(options));
  TestHost& other = policy.add();
  for (const Step at : {Step::dial, Step::address, Step::secured, Step::upgraded}) {
    step = at;
    const auto refused = world.run(policy.host.connect(other.address));
    CAPTURE(static_cast<int>(at));
    REQUIRE(!refused);
    CHECK(refused.error().is(HostError::gated));
    world.run_for(1s);
    CHECK(!policy.has(other));
  }
  for (const Step at : {Step::accept, Step::secured, Step::upgraded}) {
    step = at;
    policy.events.clear();
    CAPTURE(static_cast<int>(at));
    (void)world.run(other.host.connect(policy.address));
    world.run_for(1s);
    CHECK(!policy.has(other));
    REQUIRE(policy.events.size() == 1);
    CHECK(policy.events.front().kind == Kind::failed);
    CHECK(policy.events.front().reason->cause == CloseCause::local);
    CHECK(policy.events.front().reason->error->is(HostError::gated));
  }
  step = Step::none;
  CHECK(world.run(policy.host.connect(other.address)));
}

TEST_CASE("connection manager: a host closes the least valuable above its high water mark") {
  World world(1);
  Policy::current = &world;
  const auto key = some_key(world);
  HostOptions options{.key = key};
  options.connection_manager = {.low_water = 2, .high_water = 3, .grace = 20s};
  Policy policy(std::move(options));
  for (int i = 0; i < 5; ++i) {
    TestHost& other = policy.add();
    REQUIRE(world.run(policy.host.connect(other.address)));
  }
  CHECK(policy.host.connection_manager().tag(policy.others[1]->host.peer_id(), "liked", 10));
  CHECK(policy.host.connection_manager().protect(policy.others[3]->host.peer_id(), "needed"));
  world.run_for(10s);
  CHECK(policy.host.peers().size() == 5);  // all of them are young
  world.run_for(20s);
  CHECK(policy.host.peers().size() == 2);
  CHECK(policy.has(*policy.others[1]));
  CHECK(policy.has(*policy.others[3]));
  REQUIRE(policy.events.back().kind == Kind::disconnected);
  CHECK(policy.events.back().reason->cause == CloseCause::limit);
  CHECK(policy.events.back().reason->error->is(HostError::trimmed));
}
