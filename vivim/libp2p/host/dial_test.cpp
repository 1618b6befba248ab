// Dials of whole hosts.
#include "vivim/libp2p/host/host_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::test;
using namespace std::chrono_literals;
using Kind = HostEvent::Kind;
using rt::RtError;
using rt::sim::World;

namespace {

/// Knows one name; of others that end in ".slow" it hears nothing until it is cancelled.
class OneName final : public AddressResolver {
 public:
  OneName(rt::Loop& loop, std::vector<Multiaddr> answers)
      : answers_(std::move(answers)), cancelled_(loop) {}
  bool can_resolve(const Multiaddr& address) const override {
    return address.has(multiformats::Protocol::dnsaddr);
  }
  rt::Co<Result<std::vector<Multiaddr>>> resolve(Multiaddr address, rt::Duration) override {
    if (address.to_string().ends_with(".slow")) {
      co_await cancelled_.wait();
      co_return fail(RtError::closed);
    }
    if (address.to_string() != "/dnsaddr/known.example") {
      co_return fail(RtError::not_found);
    }
    co_return answers_;
  }
  void cancel() override { cancelled_.set(); }

 private:
  std::vector<Multiaddr> answers_;
  rt::Event cancelled_;
};

/// A host that dials, one that answers, and places where nobody does.
struct Dials {
  ~Dials() {
    world.run(tasks.stop());
    world.run(a.host.stop());
    world.run(b.host.stop());
    CHECK(world.connections_open() == 0);
  }
  Multiaddr nowhere(std::uint16_t port) {
    world.partition(a.node, silent);
    return Multiaddr::from_tcp(silent.ip().to_string(), port).value();
  }
  Multiaddr refusing() { return Multiaddr::from_tcp(b.node.ip().to_string(), 9).value(); }
  void know_one_name() {
    a.host.set_resolver(
        std::make_unique<OneName>(a.node.loop(), std::vector{a.address, b.address}));
  }
  Result<PeerId> connect(std::vector<Multiaddr> addresses, ConnectOptions options = {}) {
    return world.run(a.host.connect(b.host.peer_id(), std::move(addresses), options));
  }

  World world{3};
  TestHost a{world.add_node("a")};
  TestHost b{world.add_node("b")};
  rt::sim::Node& silent = world.add_node("silent");
  rt::TaskGroup tasks{a.node.loop()};
};

rt::Co<void> connect_into(Host& host, PeerId peer, std::vector<Multiaddr> addresses,
                          std::optional<Result<PeerId>>& into, ConnectOptions options = {}) {
  into.emplace(co_await host.connect(peer, std::move(addresses), options));
}

}  // namespace

TEST_CASE("dial: two dials that meet are one connection, and its ends find their roles") {
  Dials dials;
  std::optional<Result<PeerId>> at_a;
  std::optional<Result<PeerId>> at_b;
  const ConnectOptions from_port{.port = PortUse::shared, .may_meet = true};
  dials.tasks.spawn(
      "a", connect_into(dials.a.host, dials.b.host.peer_id(), {dials.b.address}, at_a, from_port));
  dials.tasks.spawn(
      "b", connect_into(dials.b.host, dials.a.host.peer_id(), {dials.a.address}, at_b, from_port));
  dials.world.run_for(1s);
  REQUIRE(at_a);
  REQUIRE(at_b);
  CHECK(at_a->has_value());
  CHECK(at_b->has_value());
  CHECK(dials.a.host.peers().size() == 1);
  CHECK(dials.b.host.peers().size() == 1);
  CHECK(dials.a.last(Kind::connected)->direction == Direction::outbound);
  CHECK(dials.b.last(Kind::connected)->direction == Direction::outbound);
  const Bytes said(100'000, 7);
  CHECK(dials.world.run(
            echo_once(dials.a.host, dials.a.node.loop(), dials.b.host.peer_id(), said)) == said);
  CHECK(dials.world.run(
            echo_once(dials.b.host, dials.b.node.loop(), dials.a.host.peer_id(), said)) == said);
}

TEST_CASE("dial: a name leads no nearer than whoever told it may send us") {
  Dials dials;
  dials.know_one_name();
  REQUIRE(scope_of(dials.b.address) == AddressScope::local);
  const auto name = Multiaddr::parse("/dnsaddr/known.example").value();
  CHECK(dials.connect({name}, {.names_reach = AddressScope::global})
            .error()
            .is(HostError::no_addresses));
  CHECK(dials.connect({name}, {.names_reach = AddressScope::local}) == dials.b.host.peer_id());
}

TEST_CASE("dial: that we had no room for a connection is not held against the peer") {
  World world(5);
  TestHost a(world.add_node("a"), {.outbound_connections_max = 1});
  TestHost b(world.add_node("b"));
  TestHost c(world.add_node("c"));
  REQUIRE(world.run(a.host.connect(b.host.peer_id(), {b.address})));
  const auto refused = world.run(a.host.connect(c.host.peer_id(), {c.address}));
  CHECK(limits::is_limit_error(refused.error()));
  world.run(b.host.stop());
  world.run_for(1s);
  CHECK(world.run(a.host.connect(c.host.peer_id(), {c.address})));
  world.run(a.host.stop());
  world.run(c.host.stop());
}

namespace {

/// Two hosts behind routers that let everybody in, and a third by which they know where.
struct Homes {
  Homes() {
    world.set_default_link({.latency = 20ms});
    for (TestHost* const each : {&a, &b}) {
      const auto outside = world.put_behind_nat(each->node, rt::sim::NatOptions::full_cone());
      REQUIRE(world.run(
          each->host.connect(server.host.peer_id(), {server.address}, {.port = PortUse::shared})));
      places.push_back(seen_by(server, each->host.peer_id()));
      CHECK(places.back().to_string().starts_with("/ip4/" + outside.to_string()));
    }
  }
  ~Homes() {
    world.run(tasks.stop());
    for (TestHost* const each : {&a, &b, &server}) {
      world.run(each->host.stop());
    }
    CHECK(world.connections_open() == 0);
  }
  /// Where the dial of `peer` came from.
  Multiaddr seen_by(TestHost& by, const PeerId& peer) {
    world.run_for(1s);
    const auto all = by.host.peers();
    const auto at = std::ranges::find_if(all, [&](const PeerInfo& info) {
      return info.id == peer && info.direction == Direction::inbound;
    });
    REQUIRE(at != all.end());
    return at->address.without_peer();
  }

  World world{9};
  TestHost a{world.add_node("a")};
  TestHost b{world.add_node("b")};
  TestHost server{world.add_node("server")};
  std::vector<Multiaddr> places;  ///< of a and b
  rt::TaskGroup tasks{a.node.loop()};
};

}  // namespace

TEST_CASE("dial: to a public address it leaves from the port that we listen on, to others not") {
  Homes homes;
  const PeerId a = homes.a.host.peer_id();
  REQUIRE(homes.world.run(homes.a.host.connect(homes.b.host.peer_id(), {homes.places[1]})));
  CHECK(homes.seen_by(homes.b, a) == homes.places[0]);
  homes.a.host.disconnect(homes.server.host.peer_id());
  homes.world.run_for(1s);
  REQUIRE(homes.world.run(homes.a.host.connect(homes.server.address)));
  CHECK(homes.seen_by(homes.server, a) != homes.places[0]);
}

TEST_CASE("dial: from a port of its own when asked, and no longer than asked") {
  Homes homes;
  const PeerId a = homes.a.host.peer_id();
  const PeerId b = homes.b.host.peer_id();
  const ConnectOptions fresh{.port = PortUse::fresh, .dial_max = 2s};
  REQUIRE(homes.world.run(homes.a.host.connect(b, {homes.places[1]}, fresh)));
  CHECK(homes.seen_by(homes.b, a) != homes.places[0]);
  homes.a.host.disconnect(b);
  const auto silent = Multiaddr::parse("/ip4/8.8.8.8/tcp/1").value();
  const auto start = homes.world.now();
  CHECK_FALSE(homes.world.run(homes.a.host.connect(b, {silent}, fresh)));
  CHECK(homes.world.now() - start < 3s);
}

TEST_CASE("dial: two ordinary dials that meet are made again, from other ports") {
  Homes homes;
  const PeerId a = homes.a.host.peer_id();
  const PeerId b = homes.b.host.peer_id();
  std::optional<Result<PeerId>> at_a;
  std::optional<Result<PeerId>> at_b;
  homes.tasks.spawn("a", connect_into(homes.a.host, b, {homes.places[1]}, at_a));
  homes.tasks.spawn("b", connect_into(homes.b.host, a, {homes.places[0]}, at_b));
  homes.world.run_for(5s);
  REQUIRE(at_a);
  REQUIRE(at_b);
  CHECK(at_a->has_value());
  CHECK(at_b->has_value());
  CHECK(homes.seen_by(homes.b, a) != homes.places[0]);
  const Bytes said(1000, 7);
  CHECK(homes.world.run(echo_once(homes.a.host, homes.a.node.loop(), b, said)) == said);
}

TEST_CASE("dial: a silent address costs a little, not its timeout; a refusing one nothing") {
  Dials dials;
  auto start = dials.world.now();
  REQUIRE(dials.connect({dials.nowhere(1), dials.b.address}));
  CHECK(dials.world.now() - start < 200ms);  // simulated nodes have local addresses
  dials.a.host.disconnect(dials.b.host.peer_id());
  dials.world.run_for(1s);
  start = dials.world.now();
  REQUIRE(dials.connect({dials.refusing(), dials.b.address}));
  CHECK(dials.world.now() - start < 20ms);
  CHECK(dials.a.host.peers().size() == 1);
  dials.world.run_for(20s);  // what was slower is gone
  CHECK(dials.a.host.peers().size() == 1);
  CHECK(dials.b.host.peers().size() == 1);
}

TEST_CASE("dial: calls for one peer share one dial, and may add addresses to it") {
  Dials dials;
  std::optional<Result<PeerId>> first;
  std::optional<Result<PeerId>> second;
  std::optional<Result<PeerId>> third;
  const PeerId b = dials.b.host.peer_id();
  dials.tasks.spawn("first", connect_into(dials.a.host, b, {dials.nowhere(1)}, first));
  dials.world.run_for(1s);
  CHECK(!first);
  dials.tasks.spawn("second", connect_into(dials.a.host, b, {dials.b.address}, second));
  dials.tasks.spawn("third", connect_into(dials.a.host, b, {dials.b.address}, third));
  dials.world.run_for(1s);
  for (const auto& outcome : {first, second, third}) {
    REQUIRE(outcome);
    CHECK(outcome->has_value());
  }
  CHECK(dials.a.host.peers().size() == 1);
  CHECK(dials.b.count(Kind::connected) == 1);
  REQUIRE(dials.connect({dials.b.address}, {.force_new = true}));
  CHECK(dials.a.host.peers().size() == 2);
}

TEST_CASE("dial: what failed is left alone for a while, except when asked for") {
  Dials dials;
  CHECK(dials.connect({dials.refusing()}).error().is(RtError::refused));
  const auto refused = dials.connect({dials.refusing()});
  CHECK(refused.error().is(HostError::backing_off));
  CHECK(refused.error().detail() == 5);
  CHECK(dials.connect({dials.refusing()}, {.ignore_backoff = true}).error().is(RtError::refused));
  const auto full = dials.refusing().with_peer(dials.b.host.peer_id()).value();
  CHECK(dials.world.run(dials.a.host.connect(full)).error().is(RtError::refused));
  dials.world.run_for(1min);
  CHECK(dials.connect({dials.refusing()}).error().is(RtError::refused));
  REQUIRE(dials.connect({dials.refusing(), dials.b.address}));
}

TEST_CASE("dial: addresses of others, no addresses, and the error that tells most") {
  Dials dials;
  CHECK(dials.connect({}).error().is(HostError::no_addresses));
  CHECK(dials.connect({dials.a.address}).error().is(HostError::no_addresses));
  const auto quic = Multiaddr::parse("/ip4/1.2.3.4/udp/1/quic-v1").value();
  CHECK(dials.connect({quic}).error().is(HostError::unsupported_address));
  CHECK(dials.connect({quic, dials.refusing()}).error().is(RtError::refused));
  CHECK(dials.world.run(dials.a.host.connect(dials.a.host.peer_id(), {dials.b.address}))
            .error()
            .is(HostError::self_dial));
}

TEST_CASE("dial: what a peer told of itself is remembered, and found again") {
  Dials dials;
  const PeerId b = dials.b.host.peer_id();
  REQUIRE(dials.connect({dials.b.address}));
  dials.world.run_for(1s);
  const auto* const known = dials.a.host.peer_store().find(b);
  REQUIRE(known != nullptr);
  CHECK(known->agent == "test/b");
  CHECK(known->key == dials.b.host.public_key());
  CHECK(std::ranges::count(known->protocols, k_echo) == 1);
  CHECK(known->addresses.at(dials.b.address.without_peer()).certified);
  CHECK(known->addresses.at(dials.b.address.without_peer()).source == peerstore::Source::dialled);
  // Who was dialled knows as much of who dialled.
  CHECK(dials.b.host.peer_store().addresses(dials.a.host.peer_id(), peerstore::Time(0)).size() ==
        1);
  dials.a.host.disconnect(b);
  dials.world.run_for(1s);
  CHECK(dials.connect({}));
}

TEST_CASE("dial: names are asked for") {
  Dials dials;
  const auto known = Multiaddr::parse("/dnsaddr/known.example").value();
  const auto unknown = Multiaddr::parse("/dnsaddr/unknown.example").value();
  CHECK(dials.connect({known}).error().is(HostError::unsupported_address));
  dials.know_one_name();
  CHECK(dials.connect({unknown}).error().is(RtError::not_found));
  CHECK(dials.connect({known}));
}

TEST_CASE(
    "dial: a name that nobody answers for holds up nothing: not addresses, not others, not stop") {
  Dials dials;
  const auto known = Multiaddr::parse("/dnsaddr/known.example").value();
  const auto slow = Multiaddr::parse("/dnsaddr/silent.slow").value();
  dials.know_one_name();
  auto start = dials.world.now();
  REQUIRE(dials.connect({slow, dials.b.address}));
  REQUIRE(dials.connect({slow, known}, {.force_new = true}));
  CHECK(dials.world.now() - start < 200ms);
}

TEST_CASE("dial: stop ends a dial that waits for a name") {
  Dials dials;
  std::optional<Result<PeerId>> outcome;
  const auto slow = Multiaddr::parse("/dnsaddr/silent.slow").value();
  dials.know_one_name();
  dials.tasks.spawn("dial", connect_into(dials.a.host, dials.b.host.peer_id(), {slow}, outcome));
  dials.world.run_for(1s);
  CHECK(!outcome);
  const auto start = dials.world.now();
  dials.world.run(dials.a.host.stop());
  CHECK(dials.world.now() - start < 1s);
  dials.world.run_for(10ms);
  REQUIRE(outcome);
  CHECK(outcome->error().is(HostError::stopping));
}

TEST_CASE("dial: who joins a dial may bring a name") {
  Dials dials;
  std::optional<Result<PeerId>> first;
  std::optional<Result<PeerId>> second;
  const auto known = Multiaddr::parse("/dnsaddr/known.example").value();
  const PeerId b = dials.b.host.peer_id();
  dials.know_one_name();
  dials.tasks.spawn("first", connect_into(dials.a.host, b, {dials.nowhere(1)}, first));
  dials.world.run_for(100ms);
  dials.tasks.spawn("second", connect_into(dials.a.host, b, {known}, second));
  dials.world.run_for(1s);
  REQUIRE(first);
  CHECK(first->has_value());
}

TEST_CASE("dial: two hosts that dial each other at once end with a working connection") {
  for (const auto latency : {0ms, 1ms, 30ms}) {
    Dials dials;
    dials.world.set_default_link({.latency = latency});
    std::optional<Result<PeerId>> from_a;
    std::optional<Result<PeerId>> from_b;
    dials.tasks.spawn(
        "a", connect_into(dials.a.host, dials.b.host.peer_id(), {dials.b.address}, from_a));
    dials.tasks.spawn(
        "b", connect_into(dials.b.host, dials.a.host.peer_id(), {dials.a.address}, from_b));
    dials.world.run_for(5s);
    REQUIRE(from_a);
    REQUIRE(from_b);
    CHECK(from_a->has_value());
    CHECK(from_b->has_value());
    for (const auto& [from, to] : {std::pair{&dials.a, &dials.b}, std::pair{&dials.b, &dials.a}}) {
      const auto answer = dials.world.run(
          echo_once(from->host, from->node.loop(), to->host.peer_id(), to_bytes("both ways")));
      CHECK(answer.value() == to_bytes("both ways"));
    }
  }
}

TEST_CASE("dial: stop ends a staggered dial") {
  Dials dials;
  std::optional<Result<PeerId>> outcome;
  dials.tasks.spawn("dial", connect_into(dials.a.host, dials.b.host.peer_id(),
                                         {dials.nowhere(1), dials.nowhere(2)}, outcome));
  dials.world.run_for(10ms);
  dials.world.run(dials.a.host.stop());
  dials.world.run_for(10ms);
  REQUIRE(outcome);
  CHECK(outcome->error().is(HostError::stopping));
}
