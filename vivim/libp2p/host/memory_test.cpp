// Memory of buffers counts against the limits: who fills them is sent away, and others are served.
#include "vivim/libp2p/host/siege_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::test;
using namespace std::chrono_literals;
using Kind = HostEvent::Kind;
using limits::Resource;
using limits::Scope;
using rt::sim::World;

namespace {

constexpr std::uint64_t k_mib = std::uint64_t{1} << 20;
constexpr std::uint64_t k_connection = std::uint64_t{20} * 1024;
const std::string k_sink = "/vivim/test/sink/1";

/// Holds its streams, and reads nothing until it is let go.
struct Sink {
  explicit Sink(Host& host_) : host(host_), released(host.loop()) {
    CHECK(host.handle(k_sink, [this](InboundStream inbound) { return hold(std::move(inbound)); }));
  }
  rt::Co<void> hold(InboundStream inbound) {
    ++held;
    co_await released.wait();
    Bytes buffer(std::size_t{32} * 1024);
    for (;;) {
      const auto count = co_await inbound.stream->read_some(buffer);
      if (!count || *count == 0) {
        co_return;
      }
      taken += *count;
    }
  }

  Host& host;
  rt::Event released;
  std::size_t held = 0;
  std::size_t taken = 0;
};

/// Writes until the stream fails.
rt::Co<void> flood(std::unique_ptr<rt::Stream> stream) {
  const Bytes piece(std::size_t{32} * 1024);
  while (co_await stream->write(piece)) {
  }
}

rt::Co<void> open_and_flood(Host& host, PeerId peer) {
  const std::vector<std::string> protocols{k_sink};
  auto opened = co_await host.open_stream(peer, protocols);
  if (opened) {
    co_await flood(std::move(opened->stream));
  }
}

struct Flooded {
  explicit Flooded(limits::Limits limits)
      : victim(world.add_node("victim"), {}, {}, limits),
        attacker(world.add_node("attacker")),
        friendly(world.add_node("friend")),
        sink(victim.host),
        tasks(attacker.node.loop()) {}
  ~Flooded() {
    CHECK(world.run(friendly.host.connect(victim.address)));
    const auto answer = world.run(echo_once(friendly.host, friendly.node.loop(),
                                            victim.host.peer_id(), to_bytes("still there?")));
    CHECK(answer.has_value());
    sink.released.set();
    world.run(attacker.host.stop());
    world.run(tasks.stop());
    world.run(friendly.host.stop());
    world.run(victim.host.stop());
    CHECK(victim.host.resources().system().empty());
  }
  void attack(std::size_t streams) {
    REQUIRE(world.run(attacker.host.connect(victim.address)));
    for (std::size_t i = 0; i < streams; ++i) {
      tasks.spawn("flood", open_and_flood(attacker.host, victim.host.peer_id()));
    }
  }
  std::uint64_t memory() const { return victim.host.resources().system().memory_bytes; }

  World world{11};
  TestHost victim;
  TestHost attacker;
  TestHost friendly;
  Sink sink;
  rt::TaskGroup tasks;
};

}  // namespace

TEST_CASE("memory: what nobody reads counts, and above the limit its connection is closed") {
  Flooded two({.system = {.memory_bytes = 2 * k_mib}});
  std::uint64_t most = 0;
  two.attack(40);
  two.world.run_until(
      [&] {
        most = std::max(most, two.memory());
        return two.victim.count(Kind::disconnected) > 0;
      },
      60s);
  REQUIRE(two.victim.count(Kind::disconnected) == 1);
  const auto& reason = *two.victim.last(Kind::disconnected)->reason;
  CHECK(reason.cause == CloseCause::limit);
  REQUIRE(reason.error);
  CHECK(reason.error->is(limits::limit_error(Resource::memory, Scope::system, Direction::inbound)));
  CHECK(reason.to_string() ==
        "limit: limits: too much memory of this node, asked for by the remote side; raise "
        "limits.system.memory_bytes (2097152)");
  CHECK(most > 2 * k_mib - 256 * 1024);
  CHECK(most <= 2 * k_mib);
  // Its streams are still held; what they held is not.
  CHECK(two.sink.held > 5);
  CHECK(two.memory() <= k_connection + 192 * 1024);
  CHECK(two.world.run_until([&] { return two.attacker.host.peers().empty(); }, 10s));
}

TEST_CASE("memory: a peer has a limit of its own") {
  Flooded two({.system = {.memory_bytes = 64 * k_mib}, .peer = {.memory_bytes = k_mib}});
  two.attack(20);
  two.world.run_for(10s);
  REQUIRE(two.victim.count(Kind::disconnected) == 1);
  CHECK(two.victim.last(Kind::disconnected)
            ->reason->error->is(
                limits::limit_error(Resource::memory, Scope::peer, Direction::inbound)));
}

TEST_CASE("memory: what is read in time is given back, and a connection at rest costs its base") {
  Flooded two({.system = {.memory_bytes = 64 * k_mib}});
  two.attack(3);
  two.world.run_for(5s);
  CHECK(two.memory() > 3 * 256 * 1024);
  CHECK(two.memory() < 2 * k_mib);
  two.sink.released.set();
  two.attacker.host.disconnect(two.victim.host.peer_id());
  two.world.run_for(10s);
  CHECK(two.memory() == 0);
  CHECK(two.sink.taken > 3 * 200 * 1024);
  REQUIRE(two.world.run(two.friendly.host.connect(two.victim.address)));
  REQUIRE(two.world.run(echo_once(two.friendly.host, two.friendly.node.loop(),
                                  two.victim.host.peer_id(), Bytes(3'000'000))));
  two.world.run_for(100s);  // pings come meanwhile
  CHECK(two.memory() == k_connection);
}
