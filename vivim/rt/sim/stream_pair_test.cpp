#include "vivim/rt/sim/stream_pair.hpp"

#include <doctest/doctest.h>

#include "vivim/rt/sim/streams_test_detail.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::rt;
using namespace std::chrono_literals;
using sim::test::read_bytes;

namespace {

Co<void> write_all(Stream& stream, Bytes bytes, bool& done) {
  CHECK(co_await stream.write(bytes));
  done = true;
}

Co<void> read_once(Stream& stream, std::optional<Error>& error) {
  Bytes buffer(8);
  const auto n = co_await stream.read_some(buffer);
  if (!n) {
    error = n.error();
  }
}

Co<Result<void>> greet(Stream& a, Stream& b) {
  VIVIM_CO_TRYV(co_await a.write(as_bytes("hello")));
  VIVIM_CO_TRY(const auto heard, co_await read_bytes(b, 5));
  CHECK(as_text(heard) == "hello");
  VIVIM_CO_TRYV(co_await a.close_write());
  Bytes buffer(1);
  VIVIM_CO_TRY(const auto n, co_await b.read_some(buffer));
  CHECK(n == 0);
  co_return Result<void>{};
}

}  // namespace

TEST_CASE("stream pair: the writer waits for room, the reader for bytes") {
  sim::World world(1);
  Loop& loop = world.add_node("a").loop();
  auto [a, b] = sim::make_stream_pair(loop, 4);
  TaskGroup tasks(loop);
  bool done = false;
  tasks.spawn("write", write_all(*a, to_bytes("0123456789"), done));
  world.run_for(1s);
  CHECK(!done);
  const auto read = world.run(read_bytes(*b, 10));
  REQUIRE(read);
  CHECK(as_text(*read) == "0123456789");
  CHECK(done);
  CHECK(world.run(b->write(as_bytes("abc"))));
  CHECK(world.run(read_bytes(*a, 3)));
  CHECK(world.run(a->close_write()));
  CHECK(world.run(a->write(as_bytes("x"))).error().is(RtError::closed));
  CHECK(world.run(read_bytes(*b, 1)).error().is(RtError::end_of_stream));
  world.run(tasks.stop());
}

TEST_CASE("stream pair: reset ends pending operations on both sides") {
  sim::World world(1);
  Loop& loop = world.add_node("a").loop();
  auto [a, b] = sim::make_stream_pair(loop, 4);
  TaskGroup tasks(loop);
  std::optional<Error> at_a;
  std::optional<Error> at_b;
  tasks.spawn("read a", read_once(*a, at_a));
  tasks.spawn("read b", read_once(*b, at_b));
  world.run_for(1ms);
  a->reset(7);
  a->reset(8);
  world.run_for(1ms);
  CHECK(at_a->is(RtError::closed));
  CHECK(at_b->is(RtError::reset));
  CHECK(at_b->detail() == 7);
  CHECK(world.run(b->write(as_bytes("x"))).error().is(RtError::reset));
  world.run(tasks.stop());
}

TEST_CASE("stream pair: destroying an open end resets the other, a closed one ends it") {
  sim::World world(1);
  Loop& loop = world.add_node("a").loop();
  auto [a, b] = sim::make_stream_pair(loop);
  a.reset();
  CHECK(world.run(read_bytes(*b, 1)).error().is(RtError::reset));
  auto [c, d] = sim::make_stream_pair(loop);
  CHECK(world.run(c->write(as_bytes("bye"))));
  CHECK(world.run(c->close_write()));
  c.reset();
  CHECK(world.run(read_bytes(*d, 3)));
  CHECK(world.run(read_bytes(*d, 1)).error().is(RtError::end_of_stream));
}

TEST_CASE("failing stream: every operation of a conversation fails in turn") {
  std::uint64_t nth = 1;
  for (bool failed = true; failed; ++nth) {
    sim::World world(1);
    auto [a, b] = sim::make_stream_pair(world.add_node("a").loop());
    const auto failing = sim::make_failing_stream(std::move(a), nth, RtError::timed_out);
    const auto result = world.run(greet(*failing, *b));
    failed = !result;
    if (failed) {
      CHECK(nth < 3);
      CHECK((result.error().is(RtError::timed_out) || result.error().is(RtError::reset)));
      CHECK(world.run(failing->close_write()).error().is(RtError::timed_out));
    }
  }
  CHECK(nth == 4);
}
