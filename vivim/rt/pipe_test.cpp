#include "vivim/rt/pipe.hpp"

#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "vivim/rt/error.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::rt;
using namespace std::chrono_literals;

namespace {

/// A pipe, and what its ends are told.
struct Ends {
  explicit Ends(std::size_t bytes_max = k_pipe_bytes_max) {
    std::tie(a, b) = make_pipe(loop, bytes_max);
  }
  ~Ends() { world.run(tasks.stop()); }

  Result<void> write(Stream& to, std::string text) { return world.run(to.write(as_bytes(text))); }
  Result<std::string> read(Stream& from, std::size_t count = 100) {
    Bytes into(count);
    const auto got = world.run(from.read_some(into));
    if (!got) {
      return fail(got.error());
    }
    return std::string(as_text(BytesView(into).first(*got)));
  }

  sim::World world{1};
  Loop& loop = world.add_node("a").loop();
  std::unique_ptr<Stream> a;
  std::unique_ptr<Stream> b;
  TaskGroup tasks{loop};
};

Co<void> write_into(Stream& stream, Bytes bytes, std::optional<Result<void>>& result) {
  result = co_await stream.write(bytes);
}

Co<void> read_into(Stream& stream, std::optional<Result<std::size_t>>& result) {
  Bytes into(10);
  result = co_await stream.read_some(into);
}

}  // namespace

TEST_CASE("pipe: bytes go both ways, in order, and a read takes what is there") {
  Ends ends;
  REQUIRE(ends.write(*ends.a, "one"));
  REQUIRE(ends.write(*ends.a, "two"));
  REQUIRE(ends.write(*ends.b, "back"));
  CHECK(ends.read(*ends.b, 4).value() == "onet");
  CHECK(ends.read(*ends.b).value() == "wo");
  CHECK(ends.read(*ends.a).value() == "back");
}

TEST_CASE(
    "pipe: limit: a writer waits above what a direction holds, the other direction does not") {
  Ends ends(8);
  std::optional<Result<void>> written;
  ends.tasks.spawn("write", write_into(*ends.a, Bytes(20, 'x'), written));
  ends.world.run_for(1s);
  CHECK(!written);
  REQUIRE(ends.write(*ends.b, "12345678"));
  CHECK(ends.read(*ends.b).value().size() == 8);
  ends.world.run_for(1s);
  CHECK(!written);
  CHECK(ends.read(*ends.b).value().size() == 8);
  CHECK(ends.read(*ends.b).value().size() == 4);
  REQUIRE(written);
  CHECK(written->has_value());
}

TEST_CASE("pipe: half close: what was written is read, then the end; the way back stays") {
  Ends ends;
  REQUIRE(ends.write(*ends.a, "last"));
  REQUIRE(ends.world.run(ends.a->close_write()));
  CHECK(ends.write(*ends.a, "x").error().is(RtError::closed));
  CHECK(ends.read(*ends.b).value() == "last");
  CHECK(ends.read(*ends.b).value().empty());
  REQUIRE(ends.write(*ends.b, "heard"));
  CHECK(ends.read(*ends.a).value() == "heard");
}

TEST_CASE("pipe: a reset ends what waits at both ends, and the peer learns the reason") {
  Ends ends(8);
  std::optional<Result<void>> written;
  std::optional<Result<std::size_t>> got;
  std::optional<Result<std::size_t>> own;
  ends.tasks.spawn("write", write_into(*ends.b, Bytes(20, 'x'), written));
  ends.world.run_for(1s);
  CHECK(ends.read(*ends.a, 8).value().size() == 8);
  ends.tasks.spawn("read", read_into(*ends.b, got));
  ends.world.run_for(1s);
  ends.a->reset(7);
  ends.tasks.spawn("own", read_into(*ends.a, own));
  ends.world.run_for(1s);
  REQUIRE((written && got && own));
  CHECK(written->error().is(RtError::reset));
  CHECK(got->error().is(RtError::reset));
  CHECK(got->error().detail() == 7);
  CHECK(own->error().is(RtError::closed));
  CHECK(ends.write(*ends.a, "x").error().is(RtError::closed));
  ends.a->reset(8);  // the first one counts
  CHECK(ends.write(*ends.b, "x").error().detail() == 7);
}

TEST_CASE("pipe: an end that goes without closing resets, one that closed leaves its bytes") {
  Ends ends;
  REQUIRE(ends.write(*ends.a, "lost"));
  ends.a.reset();
  CHECK(ends.read(*ends.b).error().is(RtError::reset));
  Ends closed;
  REQUIRE(closed.write(*closed.a, "kept"));
  REQUIRE(closed.world.run(closed.a->close_write()));
  closed.a.reset();
  CHECK(closed.read(*closed.b).value() == "kept");
  CHECK(closed.read(*closed.b).value().empty());
}
