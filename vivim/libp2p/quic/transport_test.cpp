#include "vivim/libp2p/quic/transport.hpp"

#include "vivim/libp2p/quic/addresses.hpp"
#include "vivim/libp2p/quic/quic_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::quic;
using namespace vivim::libp2p::quic::test;
using namespace std::chrono_literals;
using rt::sim::World;

namespace {

rt::Co<void> dial_into(QuicTransport& transport, multiformats::Multiaddr address,
                       DialOptions options, std::optional<Error>& error,
                       std::optional<SecuredConnection>& into) {
  auto dialled = co_await transport.dial(std::move(address), std::move(options));
  if (dialled) {
    into.emplace(std::get<SecuredConnection>(std::move(*dialled)));
  } else {
    error = dialled.error();
  }
}

rt::Co<void> accept_error(TransportListener& listener, std::optional<Error>& error) {
  const auto accepted = co_await listener.accept();
  if (!accepted) {
    error = accepted.error();
  }
}

}  // namespace

TEST_CASE("transport: addresses that are QUIC v1, and those that are not") {
  for (const char* text : {"/ip4/1.2.3.4/udp/1/quic-v1", "/ip6/::1/udp/65535/quic-v1"}) {
    const auto address = multiformats::Multiaddr::parse(text).value();
    CHECK(to_multiaddr(to_endpoint(address).value()) == address);
  }
  for (const char* text :
       {"/ip4/1.2.3.4/udp/1", "/ip4/1.2.3.4/udp/1/quic", "/ip4/1.2.3.4/tcp/1",
        "/dns4/example.com/udp/1/quic-v1", "/ip4/1.2.3.4/udp/1/quic-v1/webtransport",
        "/ip4/1.2.3.4/udp/1/quic-v1/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N/"
        "p2p-circuit"}) {
    CAPTURE(text);
    CHECK(to_endpoint(multiformats::Multiaddr::parse(text).value())
              .error()
              .is(QuicError::unsupported_address));
  }
}

TEST_CASE("transport: its limits follow from those of the node") {
  World world(1);
  auto& node = world.add_node("node");
  const auto options_for = [&](const limits::Limits& resources) {
    auto options = make_options(make_key(node.rng()), node.clock(), node.rng());
    follow(limits::layer_limits(resources), options);
    return options;
  };
  const auto wide = options_for({});
  CHECK(wide.limits.sessions_max == EndpointLimits().sessions_max);
  CHECK(wide.limits.half_open_max == EndpointLimits().half_open_max);
  CHECK(wide.limits.retry_above == EndpointLimits().retry_above);
  CHECK(wide.limits.window_budget_bytes == EndpointLimits().window_budget_bytes);
  CHECK(wide.session.connection_window_bytes_max == SessionConfig().connection_window_bytes_max);
  CHECK(wide.session.stream_window_bytes == SessionConfig().stream_window_bytes);
  CHECK(wide.session.inbound_streams_max == SessionConfig().inbound_streams_max);
  const auto narrow = options_for({.system = {.memory_bytes = 3 << 20, .connections = 20},
                                   .transient = {.connections_inbound = 8},
                                   .peer = {.memory_bytes = 1536 << 10, .streams_inbound = 5}});
  CHECK(narrow.limits.sessions_max == 20 + 5 + 16);
  CHECK(narrow.limits.half_open_max == 8);
  CHECK(narrow.limits.retry_above == 2);
  CHECK(narrow.limits.window_budget_bytes == 1536 << 10);
  CHECK(narrow.session.inbound_streams_max == 5);
  CHECK(narrow.session.connection_window_bytes_max == 768 << 10);
  CHECK(narrow.session.connection_window_bytes == 768 << 10);
  CHECK(narrow.session.stream_window_bytes == 512 << 10);
  CHECK(narrow.session.send_buffer_bytes_max == 768 << 10);
}

TEST_CASE("transport: dials that fail say why") {
  World world(1);
  TestPeer alice(world.add_node("alice"));
  TestPeer bob(world.add_node("bob"));
  bob.listen();
  CHECK(!alice.transport->can_dial(multiformats::Multiaddr::parse("/ip4/1.2.3.4/tcp/1").value()));
  const auto wrong = world.run(alice.transport->dial(bob.address, {.expected_peer = alice.id}));
  REQUIRE(!wrong);
  CHECK(wrong.error().is(QuicError::wrong_peer));
  const auto nobody =
      world.run(alice.transport->dial(address_of(bob.node.ip(), 9), {.timeout = 3s}));
  REQUIRE(!nobody);
  CHECK(nobody.error().is(rt::RtError::timed_out));

  rt::TaskGroup tasks(alice.node.loop());
  std::optional<Error> error;
  std::optional<SecuredConnection> none;
  tasks.spawn("dial", dial_into(*alice.transport, address_of(bob.node.ip(), 9), {}, error, none));
  world.run_for(1s);
  CHECK(!error);
  alice.transport->cancel_dials();
  world.run(tasks.stop());
  REQUIRE(error);
  CHECK(error->is(rt::RtError::closed));
  world.run(alice.stop());
  world.run(bob.stop());
  const auto late = world.run(alice.transport->dial(bob.address, {}));
  REQUIRE(!late);
  CHECK(late.error().is(rt::RtError::closed));
}

TEST_CASE("transport: a listener ends, its connections live, its port comes back") {
  World world(1);
  TestPeer alice(world.add_node("alice"));
  TestPeer bob(world.add_node("bob"));
  {
    Pair pair(world, alice, bob);
    std::optional<Error> error;
    rt::TaskGroup tasks(bob.node.loop());
    tasks.spawn("accept", accept_error(*bob.listener, error));
    world.run_for(1s);
    CHECK(bob.transport->listen(bob.address).error().is(rt::RtError::address_in_use));
    bob.listener->close();
    world.run(tasks.stop());
    REQUIRE(error);
    CHECK(error->is(rt::RtError::closed));
    bob.listener.reset();
    CHECK(!pair.b().closed());
    const auto refused = world.run(alice.transport->dial(bob.address, {.timeout = 2s}));
    CHECK(!refused);
    bob.listen();
    Pair again(world, alice, bob);
    again.stop();
    pair.stop();
  }
  // With the last connection the socket goes too.
  bob.listener.reset();
  world.run_for(30s);
  CHECK(bob.node.network().open_datagram({.ip = bob.node.ip(), .port = k_port}, {}));
  world.run(alice.stop());
  world.run(bob.stop());
}

TEST_CASE("transport: connections that nobody accepts are limited") {
  World world(1);
  TestPeer alice(world.add_node("alice"));
  TestPeer bob(world.add_node("bob"));
  bob.listen();
  std::vector<SecuredConnection> kept;
  for (std::size_t i = 0; i < k_accept_backlog_max + 1; ++i) {
    auto dialled = world.run(alice.transport->dial(bob.address, {}));
    REQUIRE(dialled);
    kept.push_back(std::get<SecuredConnection>(std::move(*dialled)));
  }
  world.run_for(1s);
  CHECK(!kept.front().connection->closed());
  REQUIRE(kept.back().connection->closed());
  CHECK(kept.back().connection->reason().code == CloseCode::limit_exceeded);
  kept.clear();
  world.run(alice.stop());
  world.run(bob.stop());
}

TEST_CASE("transport: a hole punch takes the peer's connection, also without a listener") {
  World world(1);
  TestPeer alice(world.add_node("alice"));
  TestPeer bob(world.add_node("bob"));
  bob.listen();
  alice.listen();
  rt::TaskGroup tasks(alice.node.loop());
  std::optional<Error> error;
  std::optional<SecuredConnection> punched;
  std::optional<SecuredConnection> dialled;
  tasks.spawn("punch",
              dial_into(*bob.transport, alice.address,
                        {.expected_peer = alice.id, .role = Direction::inbound}, error, punched));
  world.run_for(300ms);
  CHECK(!punched);
  // Noise reached alice, and meant nothing to her.
  CHECK(alice.transport->stats().dropped + alice.transport->stats().resets >= 1);
  tasks.spawn("dial",
              dial_into(*alice.transport, bob.address, {.expected_peer = bob.id}, error, dialled));
  CHECK(world.run_until([&] { return punched && dialled; }, 5s));
  REQUIRE(punched);
  CHECK(punched->peer == alice.id);
  CHECK(!error);
  punched.reset();
  dialled.reset();
  // Nobody comes: it ends in time.
  const auto alone = world.run(bob.transport->dial(
      alice.address, {.timeout = 2s, .expected_peer = alice.id, .role = Direction::inbound}));
  REQUIRE(!alone);
  CHECK(alone.error().is(rt::RtError::timed_out));
  world.run(tasks.stop());
  world.run(alice.stop());
  world.run(bob.stop());
}

TEST_CASE("transport: hole punches are limited") {
  World world(1);
  TestPeer alice(world.add_node("alice"));
  TestPeer bob(world.add_node("bob"));
  rt::TaskGroup tasks(alice.node.loop());
  std::vector<std::optional<Error>> errors(k_punches_max + 1);
  std::optional<SecuredConnection> none;
  for (auto& error : errors) {
    tasks.spawn("punch",
                dial_into(*alice.transport, bob.address,
                          {.expected_peer = bob.id, .role = Direction::inbound}, error, none));
  }
  world.run_for(1s);
  CHECK(!errors.front());
  REQUIRE(errors.back());
  CHECK(errors.back()->is(QuicError::too_many_connections));
  alice.transport->cancel_dials();
  world.run(tasks.stop());
  CHECK(errors.front()->is(rt::RtError::closed));
  world.run(alice.stop());
  world.run(bob.stop());
}
