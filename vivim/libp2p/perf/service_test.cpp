#include "vivim/libp2p/perf/service.hpp"

#include <doctest/doctest.h>

#include "vivim/rt/sim/stream_pair.hpp"
#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace std::chrono_literals;

namespace {

/// A host on a simulated node that listens.
struct TestHost {
  explicit TestHost(rt::sim::Node& node_)
      : node(node_),
        key(crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })),
        host({.key = key}, node.loop(), node.network(), node.rng()),
        address(host.listen(Multiaddr::parse("/ip4/" + node.ip().to_string() + "/tcp/4001").value())
                    .value()
                    .with_peer(host.peer_id())
                    .value()) {}

  rt::sim::Node& node;
  crypto::KeyPair key;
  Host host;
  Multiaddr address;
};

struct Fixture {
  Fixture() : world(7), alice(world.add_node("alice")), bob(world.add_node("bob")) {}
  explicit Fixture(perf::ServerLimits limits) : Fixture() {
    server.emplace(bob.host, bob.node.loop(), limits);
    REQUIRE(server->status());
    REQUIRE(world.run(alice.host.connect(bob.address)));
  }
  ~Fixture() {
    world.run(alice.host.stop());
    world.run(bob.host.stop());
  }

  Result<perf::Measurement> measure(perf::Request request) {
    return world.run(
        perf::measure(alice.host, alice.node.clock(), bob.host.peer_id(), request, 16384));
  }

  rt::sim::World world;
  TestHost alice;
  TestHost bob;
  std::optional<perf::Server> server;
};

/// Begins a measurement and then says nothing more.
rt::Co<void> hang(Host& host, PeerId peer, std::vector<std::unique_ptr<rt::Stream>>& streams) {
  const std::vector<std::string> protocols{std::string(perf::k_protocol_id)};
  auto opened = co_await host.open_stream(peer, protocols);
  REQUIRE(opened);
  REQUIRE(co_await opened->stream->write(Bytes(perf::k_header_bytes)));
  streams.push_back(std::move(opened->stream));
}

}  // namespace

TEST_CASE("perf: between two hosts, both directions one after the other") {
  Fixture f(perf::ServerLimits{});
  const auto measured = f.measure({.upload_bytes = 1'000'000, .download_bytes = 3'000'000});
  REQUIRE(measured);
  CHECK(measured->uploaded_bytes == 1'000'000);
  CHECK(measured->downloaded_bytes == 3'000'000);
  CHECK(measured->upload > 0s);
  CHECK(measured->download > 0s);
  REQUIRE(f.measure({}));
  f.world.run_for(1s);
  CHECK(f.server->served() == 2);
  CHECK(f.server->streams() == 0);
}

TEST_CASE("perf: a server refuses what is above its limits, and goes on") {
  Fixture f({.upload_bytes_max = 1000, .download_bytes_max = 1000});
  CHECK_FALSE(f.measure({.download_bytes = 1001}));
  CHECK_FALSE(f.measure({.upload_bytes = 1'000'000}));
  CHECK(f.measure({.upload_bytes = 1000, .download_bytes = 1000}));
  f.world.run_for(1s);
  CHECK(f.server->refused() == 2);
  CHECK(f.server->served() == 1);
}

TEST_CASE("perf: streams at once and the time of each are limited") {
  Fixture f({.time_max = 10s, .streams_max = 2});
  std::vector<std::unique_ptr<rt::Stream>> streams;
  for (int i = 0; i < 3; ++i) {
    f.world.run(hang(f.alice.host, f.bob.host.peer_id(), streams));
  }
  f.world.run_for(1s);
  CHECK(f.server->streams() == 2);
  CHECK(f.server->refused() == 1);
  f.world.run_for(10s);
  CHECK(f.server->streams() == 0);
  CHECK(f.server->refused() == 3);
  CHECK(f.measure({.upload_bytes = 10}));
}

TEST_CASE("perf: a stream that fails at any operation ends the measurement") {
  rt::sim::World world(3);
  auto& node = world.add_node("a");
  for (std::uint64_t nth = 1; nth <= 4; ++nth) {
    auto [near, far] = rt::sim::make_stream_pair(node.loop());
    far->reset(0);
    const auto failing = rt::sim::make_failing_stream(std::move(near), nth);
    CHECK_FALSE(world.run(
        perf::measure(*failing, node.clock(), {.upload_bytes = 100, .download_bytes = 100})));
  }
}
