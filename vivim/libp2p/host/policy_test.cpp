// Whom a host connects with, and whom it keeps.
#include "vivim/libp2p/host/host_test_detail.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/error.hpp"

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

namespace {

/// Refuses the first connection that could be used.
class RefuseFirst final : public ConnectionGater {
 public:
  bool allow_upgraded(Direction, const multiformats::PeerId&, const Multiaddr&) override {
    return std::exchange(asked_, true);
  }

 private:
  bool asked_ = false;
};

}  // namespace

TEST_CASE("gater: a dial whose first address is turned away at the end goes on with the next") {
  World world(1);
  TestHost b(world.add_node("b"));
  const auto second =
      b.host.listen(Multiaddr::from_tcp(b.node.ip().to_string(), 4444).value()).value();
  auto& node = world.add_node("a");
  const auto key = crypto::KeyPair::generate([&node](MutableBytes out) { node.rng().fill(out); });
  HostOptions options{.key = key};
  options.gater = std::make_unique<RefuseFirst>();
  Host host(std::move(options), node.loop(), node.network(), node.rng());
  const std::vector<Multiaddr> addresses{b.address, second};
  CHECK(world.run(host.connect(b.host.peer_id(), addresses)));
  CHECK(host.resources().system().connections[1] == 1);
  world.run(host.stop());
  CHECK(host.resources().system().empty());
  world.run(b.host.stop());
}

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
  options.connection_manager = {.low_water = 2, .high_water = 3, .grace = 18s};
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

TEST_CASE("connection manager: its marks follow from the limits that a person sets") {
  World world(1);
  Policy::current = &world;
  const auto key = some_key(world);
  HostOptions options{.key = key};
  options.resources = limits::Limits{.system = {.connections = 4}};
  Policy policy(std::move(options));
  for (int i = 0; i < 4; ++i) {
    REQUIRE(world.run(policy.host.connect(policy.add().address)));
  }
  world.run_for(10s);
  CHECK(policy.host.peers().size() == 4);
  world.run_for(60s);
  CHECK(policy.host.peers().size() == 2);
}

TEST_CASE("identify push: changes are told to connected peers, together, and only changes") {
  World world(1);
  TestHost a(world.add_node("a"));
  TestHost b(world.add_node("b"));
  REQUIRE(world.run(a.host.connect(b.address)));
  world.run_for(5s);
  CHECK(b.count(Kind::identified) == 1);
  REQUIRE(a.host.handle("/one/1", echo));
  REQUIRE(a.host.handle("/two/1", echo));
  REQUIRE(a.host.listen(Multiaddr::from_tcp(a.node.ip().to_string(), 4002).value()));
  world.run_for(500ms);
  CHECK(b.count(Kind::identified) == 1);
  world.run_for(5s);
  CHECK(b.count(Kind::identified) == 2);
  const PeerInfo seen = b.host.peers().front();
  CHECK(std::ranges::count(seen.protocols, "/two/1") == 1);
  CHECK(seen.listen_addresses.size() == 2);
  a.host.unhandle("/one/1");
  REQUIRE(a.host.handle("/one/1", echo));
  world.run_for(5s);
  CHECK(b.count(Kind::identified) == 2);
  world.run(a.host.stop());
  world.run(b.host.stop());
}

namespace {

/// Tells everybody that it sees them at another address, as one behind a NAT does.
rt::Co<void> tell_observed(InboundStream inbound, PeerId, Multiaddr seen) {
  identify::Info info{.observed_address = std::move(seen)};
  if (co_await inbound.stream->write(identify::encode(info).value())) {
    (void)co_await inbound.stream->close_write();
  }
}

}  // namespace

TEST_CASE("observed addresses: listened at when four peers agree") {
  World world(1);
  TestHost a(world.add_node("a"));
  const auto outside = Multiaddr::parse("/ip4/10.99.0.1/tcp/7777").value();
  std::vector<std::unique_ptr<TestHost>> others;
  for (int i = 0; i < 4; ++i) {
    CHECK(a.host.listen_addresses().size() == 1);
    others.push_back(std::make_unique<TestHost>(world.add_node("n" + std::to_string(i))));
    Host& host = others.back()->host;
    REQUIRE(host.handle(std::string(identify::k_protocol_id), [&](InboundStream inbound) {
      return tell_observed(std::move(inbound), host.peer_id(), outside);
    }));
    REQUIRE(world.run(host.connect(a.address)));
    world.run_for(5s);
  }
  CHECK(a.host.listen_addresses() ==
        std::vector{a.address, outside.with_peer(a.host.peer_id()).value()});
  CHECK(a.count(Kind::addresses_changed) == 1);
  world.run_for(5s);
  CHECK(others.back()->host.peers().front().listen_addresses.size() == 2);  // pushed
  world.run(a.host.stop());
  for (const auto& other : others) {
    world.run(other->host.stop());
  }
}

TEST_CASE("metrics: what a host counts") {
  World world(1);
  TestHost a(world.add_node("a"));
  TestHost b(world.add_node("b"), {.connections_per_peer_max = 1});
  REQUIRE(world.run(a.host.connect(b.address)));
  const Bytes sent(1000, 7);
  CHECK(world.run(echo_once(a.host, a.node.loop(), b.host.peer_id(), sent)).value() == sent);
  (void)world.run(a.host.connect(b.host.peer_id(), {b.address}, {.force_new = true}));
  const auto refusing = Multiaddr::from_tcp(b.node.ip().to_string(), 9).value();
  CHECK(!world.run(a.host.connect(a.host.peer_id(), {refusing})));
  CHECK(!world.run(a.host.connect(b.host.peer_id(), {refusing}, {.force_new = true})));
  world.run_for(1s);
  const std::string at_a = a.host.metrics_text();
  const std::string at_b = b.host.metrics_text();
  const auto has = [](const std::string& text, const std::string& line) {
    return text.find(line + "\n") != std::string::npos;
  };
  CHECK(has(at_a, "libp2p_dials_total{result=\"io:refused\"} 1"));
  CHECK(
      has(at_a,
          "libp2p_streams_opened_total{direction=\"outbound\",protocol=\"/vivim/test/echo/1\"} 1"));
  CHECK(
      has(at_a, "libp2p_stream_bytes_total{way=\"written\",protocol=\"/vivim/test/echo/1\"} 1000"));
  CHECK(has(at_a, "libp2p_stream_bytes_total{way=\"read\",protocol=\"/vivim/test/echo/1\"} 1000"));
  CHECK(has(at_a,
            "libp2p_connections{direction=\"outbound\",transport=\"tcp\",security=\"/noise\","
            "muxer=\"/yamux/1.0.0\"} 1"));
  CHECK(has(at_b, "libp2p_connections_opened_total{direction=\"inbound\",transport=\"tcp\"} 1"));
  CHECK(has(at_b,
            "libp2p_refused_total{resource=\"connections\",scope=\"peer\",side=\"inbound\"} 1"));
  CHECK(has(at_b, "libp2p_resources_in_use{resource=\"connections_inbound\"} 1"));
  world.run(a.host.stop());
  world.run(b.host.stop());
}

TEST_CASE("metrics: streams that are reset, by reason; identify; ping") {
  World world(1);
  TestHost a(world.add_node("a"));
  TestHost b(world.add_node("b"));
  const std::string rude = "/vivim/test/rude/1";
  REQUIRE(b.host.handle(rude, [](InboundStream inbound) -> rt::Co<void> {
    Bytes buffer(10);
    (void)co_await inbound.stream->read_some(buffer);
    inbound.stream->reset(to_value(ResetCode::rate_limited));
    inbound.stream->reset(0);  // counts once
  }));
  REQUIRE(world.run(a.host.connect(b.address)));
  const std::vector<std::string> protocols{rude};
  auto opened = world.run(a.host.open_stream(b.host.peer_id(), protocols));
  REQUIRE(opened);
  const Bytes hello(1, 7);
  REQUIRE(world.run(opened->stream->write(hello)));
  Bytes buffer(10);
  const auto read = world.run(opened->stream->read_some(buffer));
  REQUIRE_FALSE(read);
  CHECK(read.error().is(rt::RtError::reset));
  REQUIRE(world.run(a.host.ping(b.host.peer_id())));
  CHECK(!world.run(a.host.ping(a.host.peer_id())));
  const auto has = [](const std::string& text, const std::string& line) {
    return text.find(line + "\n") != std::string::npos;
  };
  const std::string at_a = a.host.metrics_text();
  CHECK(has(at_a, "libp2p_streams_reset_total{side=\"remote\",reason=\"rate_limited\"} 1"));
  CHECK(has(at_a, "libp2p_identify_total{how=\"asked\",result=\"ok\"} 1"));
  CHECK(has(at_a, "libp2p_pings_total{result=\"ok\"} 1"));
  CHECK(has(at_a, "libp2p_pings_total{result=\"host:not_connected\"} 1"));
  CHECK(has(b.host.metrics_text(),
            "libp2p_streams_reset_total{side=\"local\",reason=\"rate_limited\"} 1"));
  opened->stream.reset();
  world.run(a.host.stop());
  world.run(b.host.stop());
}

TEST_CASE("host: a listener that is ended is told of no more, and its connections go on") {
  World world(1);
  TestHost a(world.add_node("a"));
  TestHost b(world.add_node("b"));
  const auto second =
      a.host.listen(Multiaddr::from_tcp(a.node.ip().to_string(), 4444).value()).value();
  const auto told = [&] { return a.host.listen_addresses().size(); };
  REQUIRE(told() == 2);
  std::vector<Multiaddr> at{second};
  REQUIRE(world.run(b.host.connect(a.host.peer_id(), at)));
  CHECK(a.host.stop_listening(second));
  CHECK_FALSE(a.host.stop_listening(second));
  CHECK(told() == 1);
  world.run_for(5s);
  CHECK(b.host.connected(a.host.peer_id()));
  CHECK(b.host.peers().front().listen_addresses.size() == 1);  // pushed
  CHECK_FALSE(world.run(b.host.connect(a.host.peer_id(), at, {.force_new = true})));
  CHECK(a.host.listen(second));  // the port is free again
  const auto elsewhere = Multiaddr::parse("/dns4/a.example/tcp/443/tls/ws").value();
  a.host.announce({elsewhere});
  CHECK(a.host.listen_addresses().back() == elsewhere.with_peer(a.host.peer_id()).value());
  CHECK(a.host.bound_addresses().size() == 2);
  world.run(a.host.stop());
  world.run(b.host.stop());
}
