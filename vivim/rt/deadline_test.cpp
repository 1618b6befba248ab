#include "vivim/rt/deadline.hpp"

#include <doctest/doctest.h>

#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace std::chrono_literals;

namespace {

rt::Co<void> in_time(rt::Loop& loop, int& calls) {
  rt::Deadline deadline(loop, 5s, [&calls] { ++calls; });
  co_await rt::sleep_for(loop, 4s);
  co_await deadline.finish();
  CHECK_FALSE(deadline.expired());
}

rt::Co<void> too_late(rt::Loop& loop, int& calls) {
  rt::Deadline deadline(loop, 5s, [&calls] { ++calls; });
  co_await rt::sleep_for(loop, 6s);
  CHECK(deadline.expired());
  co_await deadline.finish();
}

rt::Co<void> extended(rt::Loop& loop, int& calls) {
  rt::Deadline deadline(loop, 5s, [&calls] { ++calls; });
  co_await rt::sleep_for(loop, 4s);
  deadline.extend(5s);
  co_await rt::sleep_for(loop, 4s);
  CHECK_FALSE(deadline.expired());
  co_await rt::sleep_for(loop, 2s);
  CHECK(deadline.expired());
  deadline.extend(1s);
  co_await deadline.finish();
}

}  // namespace

TEST_CASE("deadline: called once when the time passes, not when it was finished before") {
  rt::sim::World world(1);
  auto& node = world.add_node("a");
  int calls = 0;
  world.run(in_time(node.loop(), calls));
  CHECK(calls == 0);
  world.run(too_late(node.loop(), calls));
  CHECK(calls == 1);
  world.run(extended(node.loop(), calls));
  CHECK(calls == 2);
}
