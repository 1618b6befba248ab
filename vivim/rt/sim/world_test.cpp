#include "vivim/rt/sim/world.hpp"

#include <stdexcept>

#include <doctest/doctest.h>

#include "vivim/rt/sim/streams_test_detail.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::rt;
using namespace std::chrono_literals;
using sim::CrashKind;
using sim::Node;
using sim::World;
using sim::test::k_port;
using sim::test::read_bytes;

namespace {

struct Pair {
  Connection client;
  Connection server;
};

Co<void> accept_one(Listener& listener, std::optional<Connection>& into) {
  auto accepted = co_await listener.accept();
  if (accepted) {
    into = std::move(*accepted);
  }
}

Endpoint endpoint_of(const Node& node) {
  return {.ip = node.ip(), .port = k_port};
}

Pair connect(World& world, Node& from, Node& to) {
  auto listener = to.network().listen(endpoint_of(to)).value();
  TaskGroup tasks(to.loop());
  std::optional<Connection> accepted;
  tasks.spawn("accept", accept_one(*listener, accepted));
  auto dialled = world.run(from.network().dial(endpoint_of(to), 10s));
  REQUIRE(dialled);
  world.run_until([&] { return accepted.has_value(); });
  world.run(tasks.stop());
  return {.client = std::move(*dialled), .server = std::move(*accepted)};
}

Co<void> write_all(Stream& stream, std::size_t count, Result<void>& result) {
  const Bytes bytes(count, 7);
  result = co_await stream.write(bytes);
}

Co<void> echo(Stream& stream) {
  Bytes buffer(4096);
  for (;;) {
    const auto n = co_await stream.read_some(buffer);
    if (!n || *n == 0) {
      co_return;
    }
    if (!co_await stream.write(BytesView(buffer).first(*n))) {
      co_return;
    }
  }
}

Co<void> serve(Listener& listener, TaskGroup& tasks,
               std::vector<std::unique_ptr<Stream>>& streams) {
  for (;;) {
    auto connection = co_await listener.accept();
    if (!connection) {
      co_return;
    }
    streams.push_back(std::move(connection->stream));
    tasks.spawn("echo", echo(*streams.back()));
  }
}

Co<void> chatter(World& world, Node& node, Endpoint to, int& exchanges) {
  for (int round = 0; round < 20; ++round) {
    auto connection = co_await node.network().dial(to, 3s);
    if (!connection) {
      continue;
    }
    Bytes bytes(1 + node.rng().below(5000));
    node.rng().fill(bytes);
    const auto written = co_await connection->stream->write(bytes);
    const auto answer = co_await read_bytes(*connection->stream, bytes.size());
    if (written && answer) {
      CHECK(*answer == bytes);
      ++exchanges;
    }
    world.trace(static_cast<std::uint64_t>(answer.has_value()));
    co_await sleep_for(node.loop(), Duration(node.rng().below(1'000'000'000)));
  }
}

struct Outcome {
  std::uint64_t hash = 0;
  int exchanges = 0;
  std::uint64_t events = 0;
};

Outcome storm(std::uint64_t seed) {
  World world(seed);
  world.set_default_link(
      {.latency = 20ms, .jitter = 30ms, .loss_ppm = 20'000, .bytes_per_second = 1'000'000});
  Node& server = world.add_node("server");
  auto listener = server.network().listen(endpoint_of(server)).value();
  TaskGroup tasks(server.loop());
  std::vector<std::unique_ptr<Stream>> streams;
  tasks.on_stop([&] {
    listener->close();
    for (const auto& stream : streams) {
      stream->reset(0);
    }
  });
  tasks.spawn("serve", serve(*listener, tasks, streams));
  TaskGroup clients(server.loop());
  Outcome outcome;
  for (int i = 0; i < 5; ++i) {
    Node& node = world.add_node("client");
    clients.spawn("chatter", chatter(world, node, endpoint_of(server), outcome.exchanges));
  }
  world.after(3s, [&] { world.partition(server, world.node(1)); });
  world.after(9s, [&] { world.heal(server, world.node(1)); });
  world.after(5s, [&] { world.reset_connections(server, world.node(2)); });
  CHECK(world.run_until([&] { return clients.running() == 0; }));
  world.run(clients.stop());
  world.run(tasks.stop());
  outcome.hash = world.trace_hash();
  outcome.events = world.engine().events_run();
  return outcome;
}

}  // namespace

TEST_CASE("world: the same seed gives the same trace, another seed another") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Outcome first = storm(seed);
    const Outcome second = storm(seed);
    CHECK(first.hash == second.hash);
    CHECK(first.events == second.events);
    CHECK(first.exchanges == second.exchanges);
    CHECK(first.exchanges > 80);
    CHECK(first.hash != storm(seed + 100).hash);
  }
}

TEST_CASE("world: latency and bandwidth take virtual time") {
  World world(1);
  world.set_default_link({.latency = 50ms, .bytes_per_second = 100'000});
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  auto pair = connect(world, a, b);
  CHECK(world.now().time_since_epoch() == 100ms);
  CHECK(pair.client.remote == pair.server.local);
  CHECK(pair.client.local == pair.server.remote);
  TaskGroup tasks(a.loop());
  Result<void> written;
  const TimePoint start = world.now();
  tasks.spawn("write", write_all(*pair.client.stream, 200'000, written));
  REQUIRE(world.run(read_bytes(*pair.server.stream, 200'000)));
  CHECK(world.now() - start > 2s);
  CHECK(world.now() - start < 2100ms);
  world.run(tasks.stop());
}

TEST_CASE("world: a reader that does not read stops the writer at the buffer's limit") {
  World world(1, {.stream_buffer_bytes = 10'000});
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  auto pair = connect(world, a, b);
  TaskGroup tasks(a.loop());
  Result<void> written = fail(RtError::io);
  tasks.spawn("write", write_all(*pair.client.stream, 10'001, written));
  world.run_for(10s);
  CHECK(!written);
  REQUIRE(world.run(read_bytes(*pair.server.stream, 1)));
  world.run_for(1s);
  CHECK(written);
  world.run(tasks.stop());
}

TEST_CASE("world: half close, reset, and streams that are destroyed") {
  World world(1);
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  {
    auto pair = connect(world, a, b);
    CHECK(world.run(pair.client.stream->write(as_bytes("last words"))));
    CHECK(world.run(pair.client.stream->close_write()));
    CHECK(world.run(pair.client.stream->write(as_bytes("x"))).error().is(RtError::closed));
    CHECK(world.run(pair.server.stream->write(as_bytes("still heard"))));
    CHECK(world.run(read_bytes(*pair.server.stream, 10)));
    CHECK(world.run(read_bytes(*pair.server.stream, 1)).error().is(RtError::end_of_stream));
    CHECK(world.run(read_bytes(*pair.client.stream, 11)));
    pair.server.stream->reset(5);
    CHECK(world.run(read_bytes(*pair.server.stream, 1)).error().is(RtError::closed));
    CHECK(world.run(read_bytes(*pair.client.stream, 1)).error().is(RtError::reset));
  }
  auto pair = connect(world, a, b);
  pair.client.stream.reset();
  CHECK(world.run(read_bytes(*pair.server.stream, 1)).error().is(RtError::reset));
  pair.server.stream.reset();
  world.run_for(1s);
  CHECK(world.connections_open() == 0);
}

TEST_CASE("world: dials that fail") {
  World world(1);
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  const auto dial = [&](Endpoint to) { return world.run(a.network().dial(to, 3s)); };
  CHECK(dial(endpoint_of(b)).error().is(RtError::refused));
  CHECK(dial({.ip = IpAddress::v4(192, 0, 2, 1), .port = 1}).error().is(RtError::unreachable));
  auto listener = b.network().listen(endpoint_of(b)).value();
  CHECK(b.network().listen(endpoint_of(b)).error().is(RtError::address_in_use));
  CHECK(b.network().listen(endpoint_of(a)).error().is(RtError::bad_address));
  world.partition(a, b);
  const TimePoint start = world.now();
  CHECK(dial(endpoint_of(b)).error().is(RtError::timed_out));
  CHECK(world.now() - start == 3s);
  world.heal(a, b);
  CHECK(dial(endpoint_of(b)));
  b.crash();
  CHECK(world.run(listener->accept()).error().is(RtError::closed));
  CHECK(dial(endpoint_of(b)).error().is(RtError::timed_out));
  CHECK(world.run(b.network().dial(endpoint_of(a), 1s)).error().is(RtError::unreachable));
}

namespace {

Co<void> dial_into(Node& node, Endpoint to, std::optional<Error>& error) {
  const auto connection = co_await node.network().dial(to, 1h);
  if (!connection) {
    error = connection.error();
  }
}

}  // namespace

TEST_CASE("world: dials can be cancelled") {
  World world(1);
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  world.partition(a, b);
  TaskGroup tasks(a.loop());
  std::optional<Error> error;
  tasks.spawn("dial", dial_into(a, endpoint_of(b), error));
  world.run_for(1s);
  b.network().cancel_dials();
  world.run_for(1s);
  CHECK(!error);
  a.network().cancel_dials();
  world.run(tasks.stop());
  CHECK(error->is(RtError::closed));
}

TEST_CASE("world: the backlog of a listener is bounded") {
  World world(1, {.backlog_max = 2});
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  auto listener = b.network().listen({.ip = IpAddress{}, .port = k_port}).value();
  std::vector<Connection> open;
  for (int i = 0; i < 2; ++i) {
    open.push_back(world.run(a.network().dial(endpoint_of(b), 3s)).value());
  }
  CHECK(world.run(a.network().dial(endpoint_of(b), 3s)).error().is(RtError::timed_out));
  CHECK(world.run(listener->accept()));
  CHECK(world.run(a.network().dial(endpoint_of(b), 3s)));
}

TEST_CASE("world: a partition stalls, healing resumes, and a long one times out") {
  World world(1);
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  auto pair = connect(world, a, b);
  world.partition(a, b);
  CHECK(world.run(pair.client.stream->write(as_bytes("held"))));
  world.after(10s, [&] { world.heal(a, b); });
  const TimePoint start = world.now();
  CHECK(world.run(read_bytes(*pair.server.stream, 4)));
  CHECK(world.now() - start >= 10s);
  world.partition(a, b);
  CHECK(world.run(read_bytes(*pair.server.stream, 1)).error().is(RtError::timed_out));
  CHECK(world.run(pair.client.stream->write(as_bytes("x"))).error().is(RtError::timed_out));
}

TEST_CASE("world: total loss ends the connection instead of hanging it") {
  World world(1);
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  auto pair = connect(world, a, b);
  world.set_link(a, b, {.loss_ppm = 1'000'000});
  CHECK(world.run(pair.client.stream->write(as_bytes("never"))));
  CHECK(world.run(read_bytes(*pair.client.stream, 1)).error().is(RtError::timed_out));
}

TEST_CASE("world: a crash severs silently with the power, loudly with the process") {
  World world(1);
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  auto pair = connect(world, a, b);
  b.crash(CrashKind::power);
  CHECK(world.run(pair.server.stream->write(as_bytes("x"))).error().is(RtError::closed));
  const TimePoint start = world.now();
  CHECK(world.run(read_bytes(*pair.client.stream, 1)).error().is(RtError::timed_out));
  CHECK(world.now() - start == 30s);
  pair = {};
  b.restart();
  pair = connect(world, a, b);
  b.crash(CrashKind::power);
  b.restart();
  CHECK(world.run(pair.client.stream->write(as_bytes("who are you"))));
  CHECK(world.run(read_bytes(*pair.client.stream, 1)).error().is(RtError::reset));
  pair = {};
  pair = connect(world, a, b);
  b.crash(CrashKind::process);
  CHECK(world.run(read_bytes(*pair.client.stream, 1)).error().is(RtError::reset));
}

namespace {

Co<void> wait_timer(Timer& timer, std::vector<bool>& answers) {
  answers.push_back(co_await timer.wait());
}

}  // namespace

TEST_CASE("world: timers fire, move, and are cancelled") {
  World world(1);
  Node& a = world.add_node("a", {.wall_skew = -2h, .boot_time = 77s});
  TaskGroup tasks(a.loop());
  const auto timer = a.loop().make_timer();
  std::vector<bool> answers;
  timer->expire_at(a.clock().now() + 1s);
  tasks.spawn("wait", wait_timer(*timer, answers));
  world.run_for(500ms);
  timer->expire_at(a.clock().now() + 1s);
  world.run_for(999ms);
  CHECK(answers.empty());
  world.run_for(1ms);
  CHECK(answers == std::vector{true});
  timer->expire_at(a.clock().now() + 1s);
  tasks.spawn("wait", wait_timer(*timer, answers));
  world.run_for(1ms);
  timer->cancel();
  timer->expire_at(a.clock().now() + 1s);
  world.run_for(0s);
  CHECK(answers == std::vector{true, false});
  timer->cancel();
  CHECK(!world.run(timer->wait()));
  CHECK(a.clock().wall_now_ms() / 1000 == 1'767'225'600 - 7200 + 1);
  CHECK(a.clock().now().time_since_epoch() > 78s);
  world.run(tasks.stop());
}

TEST_CASE("world: a worker runs jobs in order, later, and passes exceptions on") {
  World world(1);
  Node& a = world.add_node("a");
  const auto worker = a.make_worker();
  const TimePoint start = world.now();
  CHECK(world.run(worker->run([] { return 6 * 7; })) == 42);
  CHECK(world.now() > start);
  CHECK_THROWS_AS(world.run(worker->run([] { throw std::invalid_argument("no"); })),
                  std::invalid_argument);
}

TEST_CASE("world: a task that never ends is reported, not waited for") {
  World world(1);
  Node& a = world.add_node("a");
  auto listener = a.network().listen(endpoint_of(a)).value();
  CHECK_THROWS(world.run(listener->accept(), 1min));
}

TEST_CASE(
    "world: lies about randomness and clocks come with a restart, and end when they are over") {
  const auto bytes_of = [](Node& node) {
    Bytes bytes(32);
    node.rng().fill(bytes);
    return bytes;
  };
  World world(4);
  auto& node = world.add_node("a");
  const auto first = bytes_of(node);
  node.crash();
  node.restart();
  CHECK(bytes_of(node) != first);
  node.set_lie(sim::Lie::random);
  node.crash();
  node.restart();
  CHECK(bytes_of(node) == first);
  const auto wall = node.clock().wall_now_ms();
  node.set_lie(sim::Lie::clock);
  CHECK(node.clock().wall_now_ms() == wall);
  node.crash();
  node.restart();
  CHECK(std::abs(node.clock().wall_now_ms() - wall) > 60'000);
  CHECK(node.clock().now().time_since_epoch() == world.now().time_since_epoch());
  node.set_lie(sim::Lie::none);
  CHECK(node.clock().wall_now_ms() == wall);
}
