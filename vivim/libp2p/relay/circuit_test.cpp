// Three hosts in simulation: what relays are for, and how their circuits end.
#include "vivim/libp2p/relay/hosts_test_detail.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::relay;
using namespace vivim::libp2p::relay::test;
using namespace std::chrono_literals;

TEST_CASE("circuit address: in parts") {
  const auto parse = [](const std::string& text) {
    return CircuitAddress::parse(Multiaddr::parse(text).value());
  };
  const std::string r = "12D3KooWJ1TsijH7H5F74hfAD5XishQz3sxrmAtVY37GtNd9CqYf";
  const std::string t = "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X";
  const std::string base = "/ip4/1.2.3.4/tcp/4001/p2p/" + r;
  const auto dial = parse(base + "/p2p-circuit/p2p/" + t);
  REQUIRE(dial);
  CHECK(dial->relay.to_string() == base);
  CHECK(dial->relay_id.to_string() == r);
  CHECK(dial->target->to_string() == t);
  CHECK(dial->circuit().to_string() == base + "/p2p-circuit");
  CHECK_FALSE(parse(base + "/p2p-circuit")->target);
  CHECK(parse(base).error().is(RelayError::not_a_circuit));
  CHECK(parse("/p2p-circuit/p2p/" + t).error().is(RelayError::not_a_circuit));
  CHECK(parse("/ip4/1.2.3.4/tcp/1/p2p-circuit").error().is(RelayError::not_a_circuit));
  CHECK(parse(base + "/p2p-circuit/p2p/" + r).error().is(RelayError::relay_to_itself));
  CHECK(parse(base + "/p2p-circuit/p2p/" + t + "/p2p-circuit")
            .error()
            .is(RelayError::nested_circuit));
}

TEST_CASE("circuit: two hosts meet through a relay, and know that it is limited") {
  Three three(1);
  three.world.set_default_link({.latency = 10ms});
  REQUIRE(three.listen_through(three.b));
  const auto addresses = three.b.host.listen_addresses();
  CHECK(std::ranges::count(addresses, three.through(three.b)) == 1);
  REQUIRE(three.connect(three.a, three.b));
  three.world.run_for(1s);
  const auto* seen = three.a.connection(three.b.id());
  REQUIRE(seen != nullptr);
  CHECK(seen->limited);
  CHECK(seen->transport == "p2p-circuit");
  CHECK(seen->address == three.circuit());
  CHECK(seen->agent == "test/b");
  const auto* other = three.b.connection(three.a.id());
  REQUIRE(other != nullptr);
  CHECK(other->limited);
  CHECK(other->direction == Direction::inbound);
  CHECK_FALSE(three.a.host.connected(three.b.id()));  // not without limits

  const auto bytes = Bytes(20'000, 7);
  CHECK(three.echo_over(three.a, three.b, bytes).value() == bytes);
  CHECK(three.echo_over(three.b, three.a, bytes).value() == bytes);
  CHECK(three.server.stats().circuits == 1);
  CHECK(three.server.stats().bytes > 80'000);
}

namespace {

rt::Co<void> ping_while_connecting(RelayedHost& from, PeerId to, rt::TaskGroup& tasks,
                                   Multiaddr direct) {
  struct Dial {
    static rt::Co<void> run(Host& host, PeerId peer, Multiaddr address) {
      (void)co_await host.connect(peer, {std::move(address)});
    }
  };
  tasks.spawn("dial", Dial::run(from.host, to, std::move(direct)));
  co_await rt::sleep_for(from.node.loop(), std::chrono::milliseconds(250));
  (void)co_await from.host.ping(to);
}

}  // namespace

TEST_CASE("circuit: a round trip through the relay is not taken for one of the direct connection") {
  Three three(1);
  three.world.set_default_link({.latency = 50ms});
  REQUIRE(three.listen_through(three.b));
  REQUIRE(three.connect(three.a, three.b));
  three.world.run_for(5s);
  rt::TaskGroup tasks(three.a.node.loop());
  three.world.run(ping_while_connecting(three.a, three.b.id(), tasks, three.b.address));
  three.world.run(tasks.stop());
  const auto all = three.a.host.peers();
  const auto rtt = [&](bool limited) {
    const auto found = std::ranges::find_if(all, [&](const PeerInfo& info) {
      return info.id == three.b.id() && info.limited == limited;
    });
    REQUIRE(found != all.end());
    return found->rtt;
  };
  REQUIRE(rtt(true));
  CHECK(*rtt(true) >= 200ms);
  CHECK(rtt(false).value_or(0ms) < 150ms);
}

TEST_CASE("circuit: refusals reach the dialler with their status") {
  Three three(1);
  const auto refused = three.connect(three.a, three.b);
  CHECK(refused.error().is(RelayError::refused));
  CHECK(refused.error().detail() == static_cast<std::uint64_t>(Status::no_reservation));
  // The relay itself is reachable all the same.
  CHECK(three.a.host.connected(three.relay.id()));
  CHECK(three.a.host.listen(three.circuit()));
  CHECK(three.a.host.listen(three.circuit()).error().is(rt::RtError::address_in_use));
}

TEST_CASE("circuit: both streams are reset at the limit of bytes; the relay goes on") {
  Three three(1, {.limits = {.circuit_bytes_max = 50'000}});
  REQUIRE(three.listen_through(three.b));
  REQUIRE(three.connect(three.a, three.b));
  CHECK(three.echo_over(three.a, three.b, Bytes(10'000, 1)));
  CHECK_FALSE(three.echo_over(three.a, three.b, Bytes(60'000, 2)));
  three.world.run_for(1s);
  CHECK(three.a.connection(three.b.id()) == nullptr);
  CHECK(three.b.connection(three.a.id()) == nullptr);
  CHECK(three.server.stats().circuits == 0);
  CHECK(three.server.stats().circuits_cut == 1);
  CHECK(three.b.transport->reserved(three.relay.id()));
  REQUIRE(three.connect(three.a, three.b));
  CHECK(three.echo_over(three.a, three.b, Bytes(10'000, 1)));
}

TEST_CASE("circuit: ends with its time") {
  Three three(1);
  REQUIRE(three.listen_through(three.b));
  REQUIRE(three.connect(three.a, three.b));
  three.world.run_for(1min + 50s);
  CHECK(three.a.connection(three.b.id()) != nullptr);
  three.world.run_for(20s);
  CHECK(three.a.connection(three.b.id()) == nullptr);
  CHECK(three.b.connection(three.a.id()) == nullptr);
  CHECK(three.server.stats().circuits == 0);
  CHECK(three.server.stats().circuits_cut == 1);
}

TEST_CASE("circuit: without limits the connection is like any other") {
  Three three(1, {.limits = {.circuit_time_max = {}, .circuit_bytes_max = {}}});
  REQUIRE(three.listen_through(three.b));
  REQUIRE(three.connect(three.a, three.b));
  CHECK(three.a.host.connected(three.b.id()));
  CHECK_FALSE(three.a.connection(three.b.id())->limited);
  const auto bytes = Bytes(200'000, 7);
  CHECK(three.echo_over(three.a, three.b, Bytes(200'000, 7)).value() == bytes);
}

TEST_CASE("circuit: a reservation is refreshed for as long as we listen") {
  int changes = 0;
  Three three(1, {}, {.on_change = [&changes] { ++changes; }});
  REQUIRE(three.listen_through(three.b));
  CHECK(changes == 1);
  three.world.run_for(5h);
  CHECK(three.b.transport->reserved(three.relay.id()));
  CHECK(three.server.has_reservation(three.b.id()));
  CHECK(three.server.stats().reservations_granted >= 10);
  CHECK(changes == 1);
}

TEST_CASE("circuit: a lost relay is asked again, and the address is gone meanwhile") {
  Three three(1);
  REQUIRE(three.listen_through(three.b));
  three.world.partition(three.relay.node, three.b.node);
  three.world.run_for(2min);
  CHECK_FALSE(three.b.transport->reserved(three.relay.id()));
  CHECK(std::ranges::count(three.b.host.listen_addresses(), three.through(three.b)) == 0);
  CHECK_FALSE(three.server.has_reservation(three.b.id()));
  three.world.heal(three.relay.node, three.b.node);
  CHECK(
      three.world.run_until([&] { return three.b.transport->reserved(three.relay.id()); }, 30min));
  CHECK(three.connect(three.a, three.b));
}

TEST_CASE(
    "circuit: a reservation that ends is not told any more, though the relay stays connected") {
  Three three(1, {.limits = {.reservation_time = 10min}});
  REQUIRE(three.listen_through(three.b));
  const auto began = three.world.now();
  three.relay.host.unhandle(std::string(k_hop_protocol_id));  // no more refreshing
  const auto told = [&] {
    return std::ranges::count(three.b.host.listen_addresses(), three.through(three.b)) > 0;
  };
  three.world.run_for(9min);
  CHECK(told());
  CHECK(three.world.run_until([&] { return !told(); }, 10min));
  CHECK(three.world.now() - began < 10min + 1s);
  CHECK(three.b.host.connected(three.relay.id()));
}

TEST_CASE("circuit: the relay stops: circuits end, others are refused") {
  Three three(1);
  REQUIRE(three.listen_through(three.b));
  REQUIRE(three.connect(three.a, three.b));
  three.world.run(three.server.stop());
  three.world.run_for(1s);
  CHECK(three.a.connection(three.b.id()) == nullptr);
  CHECK_FALSE(three.connect(three.a, three.b));
  CHECK(three.a.host.connected(three.relay.id()));
}

TEST_CASE("circuit: a reservation through a relay is not given") {
  // The relayed connection has no limits, so nothing but its address tells.
  Three three(1, {.limits = {.circuit_time_max = {}, .circuit_bytes_max = {}}});
  REQUIRE(three.listen_through(three.b));
  RelayServer second(three.b.host, record::Signer::of(three.b.key), {});
  REQUIRE(second.start());
  REQUIRE(three.connect(three.a, three.b));
  CHECK(
      three.a.host.listen(three.b.address.with(Multiaddr::parse("/p2p-circuit").value()).value()));
  three.world.run_for(10s);
  CHECK_FALSE(three.a.transport->reserved(three.b.id()));
  CHECK(second.stats().refused[Status::permission_denied] >= 1);  // it asks again
  three.world.run(second.stop());
}

TEST_CASE("circuit: peers are told of the address when the reservation comes, and when it goes") {
  Three three(1);
  REQUIRE(three.world.run(three.a.host.connect(three.b.address)));
  three.world.run_for(2s);
  const auto told = [&] {
    const auto* const seen = three.a.connection(three.b.id());
    return seen != nullptr && std::ranges::count(seen->listen_addresses, three.circuit()) == 1;
  };
  CHECK_FALSE(told());
  REQUIRE(three.listen_through(three.b));
  three.world.run_for(30s);
  CHECK(told());
  three.world.run(three.server.stop());
  three.relay.host.disconnect(three.b.id());
  three.world.run_for(30s);
  CHECK_FALSE(told());
}
