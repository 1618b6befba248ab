// Hosts over QUIC: in simulation, and over loopback.
#include <doctest/doctest.h>

#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/quic/quic_test_detail.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/rng.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::quic::test;
using namespace std::chrono_literals;
using rt::sim::World;

namespace {

const std::string k_echo = "/test/echo/1";

rt::Co<void> answer(InboundStream inbound) {
  co_await echo(std::move(inbound.stream));
}

/// A host with QUIC beside TCP.
struct QuicHost {
  QuicHost(rt::Loop& loop, rt::Network& network, rt::Rng& rng,
           std::optional<limits::Limits> resources = {})
      : key(make_key(rng)), host({.key = key, .resources = resources}, loop, network, rng) {
    host.add_transport(
        quic::QuicTransport::make(quic::make_options(key, loop.clock(), rng), loop, network, rng)
            .value());
    CHECK(host.handle(k_echo, answer));
  }

  crypto::KeyPair key;
  Host host;
};

rt::Co<Result<Bytes>> echo_through(Host& host, PeerId peer, Bytes bytes) {
  const std::vector<std::string> protocols{k_echo};
  VIVIM_CO_TRY(auto opened, co_await host.open_stream(peer, protocols));
  rt::TaskGroup tasks(host.loop());
  rt::Stream* const raw = opened.stream.get();
  tasks.on_stop([raw] { raw->reset(0); });
  tasks.spawn("write", write_and_close(*raw, bytes));
  auto back = co_await read_to_end(*raw);
  co_await tasks.stop();
  co_return back;
}

rt::Co<void> over_loopback(rt::asio_::Loop& loop, bool v6) {
  rt::asio_::TcpNetwork network(loop);
  rt::asio_::SystemRng rng;
  QuicHost a(loop, network, rng);
  QuicHost b(loop, network, rng);
  const auto at = b.host.listen(
      multiformats::Multiaddr::parse(v6 ? "/ip6/::1/udp/0/quic-v1" : "/ip4/0.0.0.0/udp/0/quic-v1")
          .value());
  if (!at) {
    MESSAGE("skipped: cannot listen: ", at.error().message());
  } else {
    for (const auto& address : b.host.listen_addresses()) {
      const auto connected = co_await a.host.connect(address);
      REQUIRE_MESSAGE(connected.has_value(), connected.error().message());
      for (const std::size_t count : {100UZ, 3'000'000UZ}) {
        const Bytes sent = pattern(count);
        const auto back = co_await echo_through(a.host, *connected, sent);
        REQUIRE_MESSAGE(back.has_value(), back.error().message());
        CHECK(*back == sent);
      }
      CHECK((co_await a.host.ping(*connected)).has_value());
      a.host.disconnect(*connected);
      while (a.host.connected(*connected)) {
        co_await rt::sleep_for(loop, 1ms);
      }
    }
  }
  co_await a.host.stop();
  co_await b.host.stop();
}

}  // namespace

TEST_CASE("hosts over QUIC: identify, ping, streams, an orderly end") {
  World world(3);
  world.set_default_link({.latency = 20ms, .jitter = 5ms, .loss_ppm = 10'000});
  auto& left = world.add_node("left");
  auto& right = world.add_node("right");
  QuicHost a(left.loop(), left.network(), left.rng());
  QuicHost b(right.loop(), right.network(), right.rng());
  REQUIRE(b.host.listen(address_of(right.ip(), k_port)));
  const auto address = address_of(right.ip(), k_port).with_peer(b.host.peer_id()).value();
  REQUIRE(world.run(a.host.connect(address)) == b.host.peer_id());
  const Bytes sent = pattern(500'000);
  const auto back = world.run(echo_through(a.host, b.host.peer_id(), sent));
  REQUIRE(back);
  CHECK(*back == sent);
  world.run_for(2s);
  REQUIRE(a.host.peers().size() == 1);
  const auto info = a.host.peers().front();
  CHECK(info.transport == "quic-v1");
  CHECK(info.security == "tls");
  CHECK(info.muxer == "quic");
  CHECK(!info.agent.empty());
  CHECK(info.rtt.value_or(0s) >= 40ms);
  CHECK(world.run(a.host.ping(b.host.peer_id())).value() >= 40ms);
  a.host.disconnect(b.host.peer_id());
  CHECK(world.run_until([&] { return b.host.peers().empty(); }, 10s));
  world.run(a.host.stop());
  world.run(b.host.stop());
}

TEST_CASE("hosts over QUIC: connected after one round trip") {
  World world(1);
  world.set_default_link({.latency = 30ms});
  auto& left = world.add_node("left");
  auto& right = world.add_node("right");
  QuicHost a(left.loop(), left.network(), left.rng());
  QuicHost b(right.loop(), right.network(), right.rng());
  REQUIRE(b.host.listen(address_of(right.ip(), k_port)));
  const auto address = address_of(right.ip(), k_port).with_peer(b.host.peer_id()).value();
  const auto begin = world.now();
  REQUIRE(world.run(a.host.connect(address)));
  const auto connected = world.now() - begin;
  CHECK(connected < 70ms);
  REQUIRE(world.run(echo_through(a.host, b.host.peer_id(), pattern(1))));
  CHECK(world.now() - begin < 200ms);
  world.run(a.host.stop());
  world.run(b.host.stop());
}

TEST_CASE(
    "hosts over QUIC: what nobody reads counts, and above the limit its connection is closed") {
  World world(5);
  world.set_default_link({.latency = 5ms});
  auto& left = world.add_node("left");
  auto& right = world.add_node("right");
  QuicHost a(left.loop(), left.network(), left.rng());
  QuicHost b(right.loop(), right.network(), right.rng(),
             limits::Limits{.system = {.memory_bytes = 600 * 1024}});
  std::vector<std::unique_ptr<rt::Stream>> held;
  CHECK(b.host.handle("/test/hold/1", [&](InboundStream inbound) -> rt::Co<void> {
    held.push_back(std::move(inbound.stream));
    co_return;
  }));
  std::optional<CloseReason> reason;
  const auto watching = b.host.subscribe([&](const HostEvent& event) {
    reason = event.kind == HostEvent::Kind::disconnected ? event.reason : reason;
  });
  REQUIRE(b.host.listen(address_of(right.ip(), k_port)));
  REQUIRE(world.run(
      a.host.connect(address_of(right.ip(), k_port).with_peer(b.host.peer_id()).value())));
  world.run_for(5s);
  const std::uint64_t rests = b.host.resources().system().memory_bytes;
  CHECK(rests >= 20 * 1024 + quic::k_resting_bytes);
  CHECK(rests <= (20 + 64) * 1024 + quic::k_resting_bytes);
  const std::vector<std::string> protocols{"/test/hold/1"};
  rt::TaskGroup tasks(left.loop());
  auto opened = world.run(a.host.open_stream(b.host.peer_id(), protocols));
  REQUIRE(opened);
  tasks.spawn("write", write_and_close(*opened->stream, Bytes(900'000)));
  std::uint64_t most = 0;
  REQUIRE(world.run_until(
      [&] {
        most = std::max(most, b.host.resources().system().memory_bytes);
        return reason.has_value();
      },
      10s));
  CHECK(reason->cause == CloseCause::limit);
  CHECK(reason->error->is(
      limits::limit_error(limits::Resource::memory, limits::Scope::system, Direction::inbound)));
  CHECK(most > 400 * 1024);
  CHECK(b.host.resources().system().memory_bytes <= (20 + 64) * 1024 + quic::k_resting_bytes);
  Bytes buffer(100);
  CHECK(world.run(held.at(0)->read_some(buffer)).error().is(rt::RtError::reset));
  CHECK(world.run_until([&] { return a.host.peers().empty(); }, 10s));
  held.clear();
  world.run(a.host.stop());
  world.run(tasks.stop());
  world.run(b.host.stop());
  CHECK(b.host.resources().system().empty());
}

namespace {

/// Lets nobody in, and counts who asked.
class LetNobodyIn final : public ConnectionGater {
 public:
  explicit LetNobodyIn(std::size_t& asked) : asked_(asked) {}
  bool allow_accept(const multiformats::Multiaddr&) override {
    ++asked_;
    return false;
  }

 private:
  std::size_t& asked_;
};

}  // namespace

TEST_CASE("hosts over QUIC: the gater is asked before a handshake begins") {
  World world(6);
  world.set_default_link({.latency = 30ms});
  auto& left = world.add_node("left");
  auto& right = world.add_node("right");
  QuicHost a(left.loop(), left.network(), left.rng());
  std::size_t asked = 0;
  const auto key = make_key(right.rng());
  HostOptions options{.key = key};
  options.gater = std::make_unique<LetNobodyIn>(asked);
  Host b(std::move(options), right.loop(), right.network(), right.rng());
  b.add_transport(quic::QuicTransport::make(quic::make_options(key, right.clock(), right.rng()),
                                            right.loop(), right.network(), right.rng())
                      .value());
  REQUIRE(b.listen(address_of(right.ip(), k_port)));
  std::vector<HostEvent> events;
  const auto watching = b.subscribe([&](const HostEvent& event) { events.push_back(event); });
  const auto begin = world.now();
  const auto refused =
      world.run(a.host.connect(address_of(right.ip(), k_port).with_peer(b.peer_id()).value()));
  REQUIRE(!refused);
  CHECK(refused.error().is(quic::QuicError::refused));
  CHECK(world.now() - begin < 100ms);
  CHECK(asked == 1);
  REQUIRE(events.size() == 1);
  CHECK(events.front().kind == HostEvent::Kind::failed);
  CHECK(events.front().reason->error->is(HostError::gated));
  CHECK(!events.front().peer);
  world.run(a.host.stop());
  world.run(b.stop());
}

TEST_CASE("hosts over QUIC: a refusal after the handshake, and a node that stops, say why") {
  World world(8);
  world.set_default_link({.latency = 10ms});
  auto& left = world.add_node("left");
  auto& right = world.add_node("right");
  QuicHost a(left.loop(), left.network(), left.rng());
  QuicHost b(right.loop(), right.network(), right.rng(),
             limits::Limits{.peer = {.connections_inbound = 1}});
  REQUIRE(b.host.listen(address_of(right.ip(), k_port)));
  const auto address = address_of(right.ip(), k_port).with_peer(b.host.peer_id()).value();
  std::vector<CloseReason> reasons;
  const auto watching = a.host.subscribe([&](const HostEvent& event) {
    if (event.kind == HostEvent::Kind::disconnected) {
      reasons.push_back(*event.reason);
    }
  });
  REQUIRE(world.run(a.host.connect(address)));
  REQUIRE(world.run(a.host.connect(b.host.peer_id(), {address}, {.force_new = true})));
  world.run_for(1s);
  REQUIRE(reasons.size() == 1);
  CHECK(reasons.back().cause == CloseCause::remote);
  CHECK(reasons.back().code == CloseCode::limit_exceeded);
  CHECK(reasons.back().to_string() == "remote (limit_exceeded)");
  world.run(b.host.stop());
  world.run_for(1s);
  REQUIRE(reasons.size() == 2);
  CHECK(reasons.back().code == CloseCode::shutdown);
  world.run(a.host.stop());
}

TEST_CASE("hosts over QUIC: loopback") {
  rt::asio_::Loop loop;
  loop.run(over_loopback(loop, false));
  loop.run(over_loopback(loop, true));
}
