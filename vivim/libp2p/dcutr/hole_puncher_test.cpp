// Two hosts behind simulated NATs meet through our relay, and then without it.
#include "vivim/libp2p/dcutr/hole_puncher.hpp"

#include "vivim/libp2p/dcutr/hosts_test_detail.hpp"
#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/error.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::dcutr;
using namespace std::chrono_literals;
using namespace vivim::libp2p::dcutr::test;
using Kind = HolePunchEvent::Kind;

TEST_CASE("hole punch: through NATs of each kind that lets it, the relay is left behind") {
  const std::vector<NatOptions> kinds{NatOptions::full_cone(), NatOptions::restricted(),
                                      NatOptions::port_restricted()};
  for (const auto& nat_a : kinds) {
    for (const auto& nat_b : kinds) {
      Net net(1, nat_a, nat_b);
      REQUIRE(net.connect());
      CHECK(net.world.run_until([&] { return net.at_b.count(Kind::punched) == 1; }, 1min));
      net.world.run_for(1s);
      CHECK(net.direct(net.a, net.b));
      CHECK(net.direct(net.b, net.a));
      CHECK(net.relayed(net.a, net.b) == 1);
      // What is large goes, for it does not go through the relay.
      CHECK(net.echo(net.a, net.b, 500'000));
      CHECK(net.echo(net.b, net.a, 500'000));
      net.world.run_for(12s);
      CHECK(net.relayed(net.a, net.b) == 0);
      CHECK(net.relayed(net.b, net.a) == 0);
      CHECK(net.direct(net.a, net.b));
      CHECK(net.server.stats().circuits == 0);
      CHECK(net.at_b.events.back().attempt == 1);
      REQUIRE(net.at_b.events.back().rtt);
      CHECK(*net.at_b.events.back().rtt >= 100ms);  // twice two links
    }
  }
}

TEST_CASE("hole punch: six round trips to a relayed connection, six more to a direct one") {
  Net net(1, NatOptions::port_restricted(), NatOptions::port_restricted());
  net.world.set_default_link({.latency = 50ms});  // a round trip: 100 ms
  const auto begin = net.world.now();
  REQUIRE(net.connect());
  CHECK(net.world.now() - begin <= 610ms);
  CHECK(net.world.run_until([&] { return net.direct(net.a, net.b); }, 5s));
  CHECK(net.world.now() - begin <= 1210ms);
}

TEST_CASE("hole punch: over QUIC, the server side sends noise and the client connects") {
  const std::vector<NatOptions> kinds{NatOptions::full_cone(), NatOptions::restricted(),
                                      NatOptions::port_restricted()};
  for (const auto& nat_a : kinds) {
    for (const auto& nat_b : kinds) {
      Net net(1, nat_a, nat_b, Scope::global, Over::quic);
      REQUIRE(net.connect());
      CHECK(net.world.run_until([&] { return net.at_b.count(Kind::punched) == 1; }, 1min));
      net.world.run_for(12s);
      CHECK(net.relayed(net.a, net.b) == 0);
      CHECK(net.direct(net.a, net.b));
      CHECK(net.echo(net.a, net.b, 300'000));
      CHECK(net.at_b.events.back().attempt == 1);
    }
  }
  Net net(1, NatOptions::symmetric(), NatOptions::symmetric(), Scope::global, Over::quic);
  REQUIRE(net.connect());
  CHECK(net.world.run_until([&] { return net.at_b.count(Kind::failed) == 1; }, 2min));
  CHECK(net.relayed(net.a, net.b) == 1);
}

TEST_CASE("hole punch: two symmetric NATs: three attempts, and the relayed connection stays") {
  Net net(1, NatOptions::symmetric(), NatOptions::symmetric());
  REQUIRE(net.connect());
  CHECK(net.world.run_until([&] { return net.at_b.count(Kind::failed) == 1; }, 2min));
  CHECK(net.at_b.count(Kind::attempt_failed) == 3);
  CHECK(net.at_b.events.back().error->is(DcutrError::failed));
  CHECK_FALSE(net.direct(net.a, net.b));
  CHECK(net.relayed(net.a, net.b) == 1);
  CHECK(net.echo(net.a, net.b, 10'000));
}

TEST_CASE("hole punch: one symmetric NAT and a peer that takes from any port") {
  Net net(1, NatOptions::symmetric(), NatOptions::restricted());
  REQUIRE(net.connect());
  CHECK(net.world.run_until([&] { return net.direct(net.b, net.a); }, 1min));
  net.world.run_for(15s);
  CHECK(net.direct(net.a, net.b));
  CHECK(net.relayed(net.a, net.b) == 0);
}

TEST_CASE("hole punch: a dial that reaches a socket that listens finds its role at once") {
  // b's port is another than a was told, so a's dial is lost, and b's arrives at a's listener: both
  // are servers, until b has waited for nothing.
  Net net(1, NatOptions::restricted(), NatOptions::symmetric());
  REQUIRE(net.connect());
  CHECK(net.world.run_until([&] { return net.at_b.count(Kind::punched) == 1; }, 5s));
  CHECK(net.at_b.events.back().attempt == 1);
  CHECK(net.echo(net.a, net.b, 100'000));
}

namespace {

/// Says what an initiator says, and dials if it is to.
rt::Co<Result<void>> initiate(Host& host, PeerId peer, std::vector<Multiaddr> own,
                              std::optional<Direction> dials_as) {
  const std::string protocol(k_protocol_id);
  VIVIM_CO_TRY(auto opened,
               co_await host.open_stream(peer, std::span(&protocol, 1), {.allow_limited = true}));
  const Bytes first =
      delimited(encode(Message{.type = Message::Type::connect, .addresses = std::move(own)}));
  VIVIM_CO_TRYV(co_await opened.stream->write(first));
  DelimitedReader reader(k_message_bytes_max);
  VIVIM_CO_TRY(const auto bytes, co_await read_message(*opened.stream, reader));
  VIVIM_CO_TRY(const auto theirs, decode(bytes));
  const Bytes sync = delimited(encode(Message{.type = Message::Type::sync}));
  VIVIM_CO_TRYV(co_await opened.stream->write(sync));
  VIVIM_CO_TRYV(co_await opened.stream->close_write());
  if (dials_as) {
    co_await rt::sleep_for(host.loop(), 50ms);
    const ConnectOptions as_told{
        .role = dials_as, .force_new = true, .port = PortUse::shared, .ignore_backoff = true};
    VIVIM_CO_TRYV(co_await host.connect(peer, theirs.addresses, as_told));
  }
  co_return Result<void>{};
}

}  // namespace

TEST_CASE("hole punch: a peer that is the client in its third attempt, as go-libp2p is") {
  Net net(1, NatOptions::port_restricted(), NatOptions::port_restricted());
  net.world.run(net.at_b.puncher.stop());
  REQUIRE(net.connect());
  net.world.run_for(1s);
  const auto own = net.b.host.observed_addresses(1);
  for (const bool last : {false, false, true}) {
    CHECK_FALSE(net.direct(net.a, net.b));
    const auto dials_as = last ? std::optional(Direction::outbound) : std::nullopt;
    CHECK(net.world.run(initiate(net.b.host, net.a.id(), own, dials_as)));
    net.world.run_for(last ? 1s : 15s);
  }
  CHECK(net.direct(net.a, net.b));
  CHECK(net.echo(net.a, net.b, 100'000));
}

TEST_CASE("hole punch: an initiator without patience that dials a socket that listens") {
  // As go-libp2p and rust-libp2p do: a server that hears nothing says nothing.
  Net net(1, NatOptions::restricted(), NatOptions::symmetric());
  net.world.run(net.at_b.puncher.stop());
  REQUIRE(net.connect());
  net.world.run_for(1s);
  const auto begin = net.world.now();
  CHECK(net.world.run(
      initiate(net.b.host, net.a.id(), net.b.host.observed_addresses(1), Direction::inbound)));
  CHECK(net.world.now() - begin < 4s);
  CHECK(net.direct(net.b, net.a));
  CHECK(net.world.run_until([&] { return net.direct(net.a, net.b); }, 1s));
  CHECK(net.echo(net.a, net.b, 100'000));
}

TEST_CASE("hole punch: a peer with an address that everybody reaches is just dialled") {
  Net net(1, std::nullopt, NatOptions::port_restricted(), Scope::any);
  REQUIRE(net.connect());
  CHECK(net.world.run_until([&] { return net.at_b.count(Kind::dialled) == 1; }, 1min));
  CHECK(net.at_b.count(Kind::punched) == 0);
  net.world.run_for(12s);
  CHECK(net.relayed(net.b, net.a) == 0);
  CHECK(net.direct(net.b, net.a));
  CHECK(net.world.run(net.at_b.puncher.punch(net.a.id())));  // at once: it is
}

TEST_CASE("hole punch: a peer that names a public address where nobody gets in is not waited for") {
  // As js-libp2p does. Its router would let in who was dialled: not at the port of this dial.
  Net net(1, NatOptions::port_restricted(), NatOptions::port_restricted());
  REQUIRE(net.connect());
  REQUIRE(net.world.run_until([&] { return net.at_b.count(Kind::punched) == 1; }, 1min));
  net.a.host.announce(net.a.host.observed_addresses(1));
  net.a.host.disconnect(net.b.id());
  net.world.run_for(3s);
  REQUIRE(net.connect());
  CHECK(net.world.run_until([&] { return net.at_b.count(Kind::punched) == 2; }, 5s));
  CHECK(net.at_b.count(Kind::attempt_failed) == 0);
}

TEST_CASE("hole punch: a dial to all addresses of a peer does not spoil the hole") {
  Net net(1, NatOptions::port_restricted(), NatOptions::port_restricted());
  auto all = net.b.host.observed_addresses(1);
  REQUIRE_FALSE(all.empty());
  all.push_back(net.circuit);
  REQUIRE(net.world.run(net.a.host.connect(net.b.id(), all)));
  CHECK(net.world.run_until([&] { return net.direct(net.a, net.b); }, 2s));
}

TEST_CASE("hole punch: addresses of a private network are not dialled at a peer's word") {
  // Both are reachable, but only at private addresses.
  Net net(1, std::nullopt, std::nullopt, Scope::global);
  REQUIRE(net.connect());
  CHECK(net.world.run_until([&] { return net.at_b.count(Kind::failed) == 1; }, 1min));
  CHECK(net.at_b.events.back().error->is(DcutrError::no_own_addresses));
  CHECK_FALSE(net.direct(net.b, net.a));
  CHECK(net.relayed(net.b, net.a) == 1);
}

TEST_CASE("hole punch: not over a direct connection; silent and garbling peers change nothing") {
  Net net(1, NatOptions::port_restricted(), NatOptions::port_restricted());
  const auto speak = [](Host& host, PeerId peer, Bytes bytes) -> rt::Co<Result<Bytes>> {
    const std::string protocol(k_protocol_id);
    VIVIM_CO_TRY(auto opened,
                 co_await host.open_stream(peer, std::span(&protocol, 1), {.allow_limited = true}));
    VIVIM_CO_TRYV(co_await opened.stream->write(bytes));
    DelimitedReader reader(k_message_bytes_max);
    co_return co_await read_message(*opened.stream, reader);
  };
  const Bytes sync = delimited(encode(Message{.type = Message::Type::sync}));
  // The relay has a direct connection with b, and no business to punch holes.
  CHECK_FALSE(net.world.run(speak(net.relay.host, net.b.id(), sync)));
  // An a that never answers: b gives up, and the connection stays.
  CHECK(net.a.host.handle(std::string(k_protocol_id),
                          [](InboundStream inbound) { return swallow(std::move(inbound)); },
                          {.allow_limited = true}));
  REQUIRE(net.connect());
  CHECK(net.world.run_until([&] { return net.at_b.count(Kind::failed) == 1; }, 1min));
  CHECK(net.at_b.events.back().error->is(DcutrError::timed_out));
  CHECK_FALSE(net.world.run(speak(net.a.host, net.b.id(), sync)));
  CHECK_FALSE(net.world.run(speak(net.a.host, net.b.id(), delimited(Bytes{0xff}))));
  CHECK_FALSE(net.world.run(speak(net.a.host, net.b.id(), Bytes{0xff, 0xff, 0x7f})));
  CHECK(net.relayed(net.a, net.b) == 1);
  CHECK(net.echo(net.a, net.b, 1000));
}

TEST_CASE("hole punch: the same seed gives the same trace") {
  const auto trace = [] {
    Net net(7, NatOptions::restricted(), NatOptions::port_restricted());
    CHECK(net.connect());
    net.world.run_for(30s);
    return net.world.trace_hash();
  };
  CHECK(trace() == trace());
}

TEST_CASE("hole punch: a limit on those under way") {
  Net net(1, NatOptions::port_restricted(), NatOptions::port_restricted());
  HolePuncher none(net.relay.host, {.active_max = 0});
  CHECK(net.world.run(none.punch(net.b.id())));  // there is a direct connection
  CHECK(net.world.run(none.punch(PeerId::of(net.a.key))).error().is(DcutrError::too_many));
}

TEST_CASE("hostile: hole punches are not begun at will: once a connection, seldom for a peer") {
  Net net(1, NatOptions::symmetric(), NatOptions::symmetric());
  REQUIRE(net.connect());
  REQUIRE(net.world.run_until([&] { return net.at_b.count(Kind::failed) == 1; }, 2min));
  // Identifies itself again, and again.
  for (int i = 0; i < 5; ++i) {
    REQUIRE(net.a.host.handle("/new/" + std::to_string(i), echo));
    net.world.run_for(40s);
  }
  CHECK(net.at_b.count(Kind::failed) == 1);
  // Comes again, and again.
  for (int i = 0; i < 5; ++i) {
    net.a.host.disconnect(net.b.id());
    net.world.run_for(1s);
    REQUIRE(net.connect());
    net.world.run_for(40s);
  }
  CHECK(net.at_b.count(Kind::failed) >= 2);
  CHECK(net.at_b.count(Kind::failed) <= 3);
  CHECK(net.at_b.count(Kind::attempt_failed) <= 9);
}

namespace {

/// a is asked to punch and says nothing; both are connected through the relay.
void connect_to_silent(Net& net) {
  CHECK(net.a.host.handle(std::string(k_protocol_id),
                          [](InboundStream inbound) { return swallow(std::move(inbound)); },
                          {.allow_limited = true}));
  REQUIRE(net.connect());
  net.world.run_for(1s);
}

}  // namespace

TEST_CASE("hole punch: the next attempt is answered while the dial of the one before goes on") {
  Net net(1, NatOptions::port_restricted(), NatOptions::port_restricted());
  connect_to_silent(net);
  // There its NAT lets nobody in: a dial takes as long as it may.
  const auto seen = net.a.host.observed_addresses(1);
  REQUIRE_FALSE(seen.empty());
  for (int i = 0; i < 3; ++i) {
    CHECK(net.world.run(initiate(net.a.host, net.b.id(), seen, std::nullopt)));
    net.world.run_for(100ms);
  }
}

TEST_CASE("hostile: attempts of one peer are answered a few times a minute") {
  Net net(1, NatOptions::port_restricted(), NatOptions::port_restricted());
  connect_to_silent(net);
  const auto ask = [](Host& host, PeerId peer) -> rt::Co<Result<void>> {
    const std::string protocol(k_protocol_id);
    VIVIM_CO_TRY(auto opened,
                 co_await host.open_stream(peer, std::span(&protocol, 1), {.allow_limited = true}));
    const Bytes first =
        delimited(encode({.type = Message::Type::connect,
                          .addresses = {Multiaddr::parse("/ip4/1.2.3.4/tcp/1").value()}}));
    VIVIM_CO_TRYV(co_await opened.stream->write(first));
    DelimitedReader reader(k_message_bytes_max);
    VIVIM_CO_TRYV(co_await read_message(*opened.stream, reader));
    opened.stream->reset(0);
    co_return Result<void>{};
  };
  int answered = 0;
  Result<void> last;
  for (int i = 0; i < 20; ++i) {
    last = net.world.run(ask(net.a.host, net.b.id()));
    answered += last ? 1 : 0;
    net.world.run_for(100ms);
  }
  CHECK(answered == 6);
  CHECK(last.error().is(rt::RtError::reset));
  CHECK(last.error().detail() == to_value(ResetCode::rate_limited));
  net.world.run_for(20s);
  CHECK(net.world.run(ask(net.a.host, net.b.id())));
}

TEST_CASE("hostile: nothing is remembered of a peer that goes in the middle of an attempt") {
  Net net(1, NatOptions::port_restricted(), NatOptions::port_restricted());
  connect_to_silent(net);
  const auto seen = net.a.host.observed_addresses(1);
  REQUIRE_FALSE(seen.empty());
  CHECK(net.world.run(initiate(net.a.host, net.b.id(), seen, std::nullopt)));
  net.a.host.disconnect(net.b.id());
  net.world.run_for(1min);
  CHECK(net.at_b.puncher.remembered() == 0);
}
