// What a network of many nodes adds: regions, islands, wires that a node's connections share,
// addresses that nodes share.
#include <doctest/doctest.h>

#include "vivim/rt/sim/streams_test_detail.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::rt;
using namespace std::chrono_literals;
using sim::Node;
using sim::World;
using sim::test::k_port;

namespace {

/// Takes every connection and swallows what comes.
class Sink {
 public:
  explicit Sink(Node& node, std::uint16_t port = k_port)
      : listener_(node.network().listen({.ip = node.ip(), .port = port}).value()),
        tasks_(node.loop()) {
    tasks_.on_stop([this] {
      listener_->close();
      for (const auto& stream : streams_) {
        stream->reset(0);
      }
    });
    tasks_.spawn("serve", serve());
  }

  Co<void> stop() { return tasks_.stop(); }
  std::size_t accepted() const { return streams_.size(); }
  std::size_t bytes = 0;

 private:
  Co<void> serve() {
    for (;;) {
      auto connection = co_await listener_->accept();
      if (!connection) {
        co_return;
      }
      streams_.push_back(std::move(connection->stream));
      tasks_.spawn("swallow", swallow(*streams_.back()));
    }
  }
  Co<void> swallow(Stream& stream) {
    Bytes buffer(4096);
    for (;;) {
      const auto n = co_await stream.read_some(buffer);
      if (!n || *n == 0) {
        co_return;
      }
      bytes += *n;
    }
  }

  std::unique_ptr<Listener> listener_;
  TaskGroup tasks_;
  std::vector<std::unique_ptr<Stream>> streams_;
};

Duration time_to_dial(World& world, Node& from, Node& to) {
  const auto begin = world.now();
  const auto connection = world.run(from.network().dial({.ip = to.ip(), .port = k_port}, 100s));
  REQUIRE(connection);
  return world.now() - begin;
}

/// Sends to each of `to` at once and waits until all of it has arrived.
Duration time_to_send(World& world, Node& from, std::vector<Sink*> sinks,
                      const std::vector<Endpoint>& to, std::size_t bytes) {
  const Bytes content(bytes, 7);
  TaskGroup tasks(from.loop());
  std::vector<std::unique_ptr<Stream>> streams;
  for (const auto& endpoint : to) {
    streams.push_back(std::move(world.run(from.network().dial(endpoint, 10s))->stream));
  }
  const auto begin = world.now();
  std::size_t sent = 0;
  const auto send = [](Stream& stream, BytesView view, std::size_t& done) -> Co<void> {
    REQUIRE(co_await stream.write(view));
    ++done;
  };
  for (const auto& stream : streams) {
    tasks.spawn("send", send(*stream, content, sent));
  }
  std::size_t arrived_before = 0;
  const bool all = world.run_until([&] {
    arrived_before = 0;
    for (const Sink* sink : sinks) {
      arrived_before += sink->bytes;
    }
    return arrived_before == to.size() * bytes && sent == to.size();
  });
  REQUIRE(all);
  const auto time = world.now() - begin;
  world.run(tasks.stop());
  return time;
}

}  // namespace

TEST_CASE("regions: how long a dial takes follows from where both nodes are") {
  World world(1);
  auto table = sim::five_regions();
  REQUIRE(table.names.size() == 5);
  REQUIRE(table.links.size() == 25);
  table.for_each([](sim::LinkOptions& link) { link.jitter = {}; });
  for (sim::Region a = 0; a < 5; ++a) {
    for (sim::Region b = 0; b < 5; ++b) {
      CHECK(table.between(a, b).latency == table.between(b, a).latency);
      CHECK((a == b || table.between(a, b).latency > table.between(a, a).latency));
    }
  }
  world.set_regions(std::move(table));
  Node& boston = world.add_node("boston");
  Node& dublin = world.add_node("dublin", {.region = 1});
  Node& tokyo = world.add_node("tokyo", {.region = 4});
  Node& kyoto = world.add_node("kyoto", {.region = 4});
  Sink at_dublin(dublin);
  Sink at_tokyo(tokyo);
  CHECK(time_to_dial(world, boston, dublin) == 76ms);
  CHECK(time_to_dial(world, boston, tokyo) == 150ms);
  CHECK(time_to_dial(world, kyoto, tokyo) == 16ms);
  world.set_link(boston, tokyo, {.latency = 1ms});  // one pair may differ
  CHECK(time_to_dial(world, boston, tokyo) == 2ms);
  world.run(at_dublin.stop());
  world.run(at_tokyo.stop());
}

TEST_CASE("bandwidth: all connections of a node share its wire, up and down") {
  World world(1);
  world.set_default_link({.latency = 10ms});
  Node& home = world.add_node(
      "home", {.upload_bytes_per_second = 1'000'000, .download_bytes_per_second = 4'000'000});
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  Sink at_a(a);
  Sink at_b(b);
  Sink at_home(home);
  const Endpoint to_a{.ip = a.ip(), .port = k_port};
  const Endpoint to_b{.ip = b.ip(), .port = k_port};
  const Endpoint to_home{.ip = home.ip(), .port = k_port};
  const auto up = time_to_send(world, home, {&at_a, &at_b}, {to_a, to_b}, 100'000);
  CHECK(up > 205ms);
  CHECK(up < 225ms);
  const auto down = time_to_send(world, a, {&at_home}, {to_home, to_home}, 200'000);
  CHECK(down > 105ms);
  CHECK(down < 125ms);
  for (Sink* sink : {&at_a, &at_b, &at_home}) {
    world.run(sink->stop());
  }
}

TEST_CASE(
    "islands: only nodes of one island reach each other; what was cut goes on, or times out") {
  World world(1);
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  Node& c = world.add_node("c");
  Sink at_b(b);
  const Endpoint to{.ip = b.ip(), .port = k_port};
  auto from_a = std::move(world.run(a.network().dial(to, 10s))->stream);
  auto from_c = std::move(world.run(c.network().dial(to, 10s))->stream);
  const Bytes word(10, 1);
  world.set_island(a, 1);
  REQUIRE(world.run(from_a->write(word)));
  REQUIRE(world.run(from_c->write(word)));
  world.run_for(5s);
  CHECK(at_b.bytes == 10);
  CHECK_FALSE(world.run(a.network().dial(to, 3s)));
  world.set_island(b, 1);  // together again, away from c
  world.run_for(1s);
  CHECK(at_b.bytes == 20);
  CHECK(world.run(a.network().dial(to, 3s)));
  world.run_for(40s);
  CHECK_FALSE(world.run(from_c->write(word)));
  CHECK(world.run(from_a->write(word)));
  world.heal_all();
  CHECK(world.run(c.network().dial(to, 3s)));
  world.run(at_b.stop());
}

TEST_CASE("partition: a writer whose window opens behind it waits, and goes on when it heals") {
  World world(1);
  world.set_default_link({.latency = 50ms});
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  Sink at_b(b);
  auto stream = std::move(world.run(a.network().dial({.ip = b.ip(), .port = k_port}, 10s))->stream);
  constexpr std::size_t k_bytes = 600'000;  // more than a connection holds
  const Bytes content(k_bytes, 1);
  std::optional<Result<void>> written;
  TaskGroup tasks(a.loop());
  const auto write = [](Stream& into, BytesView bytes,
                        std::optional<Result<void>>& result) -> Co<void> {
    result = co_await into.write(bytes);
  };
  tasks.spawn("write", write(*stream, content, written));
  world.run_for(75ms);  // read at b, and not heard of at a
  world.partition(a, b);
  const auto events = world.engine().events_run();
  world.run_for(5s);
  CHECK(world.engine().events_run() - events < 1000);
  CHECK_FALSE(written);
  world.heal(a, b);
  world.run_for(2s);
  REQUIRE(written);
  CHECK(*written);
  CHECK(at_b.bytes == k_bytes);
  world.run(tasks.stop());
  world.run(at_b.stop());
}

TEST_CASE("addresses: nodes at one address are told apart by their ports") {
  World world(1);
  const auto ip = IpAddress::v4(203, 0, 113, 9);
  Node& a = world.add_node("a", {.ip = ip});
  Node& b = world.add_node("b", {.ip = ip});
  Node& other = world.add_node("other");
  CHECK(a.ip() == ip);
  Sink at_a(a, 1000);
  Sink at_b(b, 2000);
  const auto first = world.run(other.network().dial({.ip = ip, .port = 2000}, 3s));
  const auto second = world.run(a.network().dial({.ip = ip, .port = 2000}, 3s));
  REQUIRE(first);
  REQUIRE(second);
  world.run_for(1s);
  CHECK(at_a.accepted() == 0);
  CHECK(at_b.accepted() == 2);
  CHECK_FALSE(world.run(other.network().dial({.ip = ip, .port = 3000}, 3s)));
  world.run(at_a.stop());
  world.run(at_b.stop());
}

TEST_CASE("trace: a sink sees every fact, the same ones in a second run") {
  const auto facts = [](std::uint64_t seed) {
    World world(seed);
    std::vector<std::uint64_t> seen;
    world.engine().set_trace_sink([&seen](std::uint64_t what, std::uint64_t a, std::uint64_t b) {
      seen.insert(seen.end(), {what, a, b});
    });
    world.set_default_link({.latency = 10ms, .jitter = 10ms});
    Node& a = world.add_node("a");
    Node& b = world.add_node("b");
    Sink sink(b);
    const auto connection = world.run(a.network().dial({.ip = b.ip(), .port = k_port}, 10s));
    const Bytes word(100, 1);
    REQUIRE(world.run(connection->stream->write(word)));
    world.run_for(1s);
    world.run(sink.stop());
    return seen;
  };
  const auto first = facts(1);
  CHECK(first.size() > 10);
  CHECK(first == facts(1));
  CHECK(first != facts(2));
}
