#include "vivim/rt/task_group.hpp"

#include <stdexcept>

#include <doctest/doctest.h>

#include "vivim/base/assert.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/path.hpp"
#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace vivim::rt;
using namespace std::chrono_literals;

namespace {

Co<void> count(int& runs) {
  ++runs;
  co_return;
}

Co<void> wait_for(Event& event, int& runs) {
  co_await event.wait();
  ++runs;
}

Co<void> throws() {
  throw std::runtime_error("thrown on purpose");
  co_return;
}

Co<void> stop_and_count(TaskGroup& group, int& stopped) {
  co_await group.stop();
  ++stopped;
}

Co<void> spawn_and_stop(TaskGroup& group, Co<void> first, Co<void> second) {
  group.spawn("first", std::move(first));
  group.spawn("second", std::move(second));
  co_await group.stop();
}

struct Guarded {
  explicit Guarded(int& destroyed) : count(&destroyed) {}
  Guarded(Guarded&& other) noexcept : count(std::exchange(other.count, nullptr)) {}
  ~Guarded() {
    if (count != nullptr) {
      ++*count;
    }
  }
  int* count;
};

Co<void> hold(Guarded guard, Event& event) {
  const Guarded local = std::move(guard);
  co_await event.wait();
}

}  // namespace

TEST_CASE("task group: a task starts from the loop, not inside spawn") {
  sim::World world(1);
  TaskGroup group(world.add_node("a").loop());
  int runs = 0;
  world.run([](TaskGroup& tasks, int& ran) -> Co<void> {
    tasks.spawn("count", count(ran));
    CHECK(ran == 0);
    co_return;
  }(group, runs));
  world.run_for(1ms);
  CHECK(runs == 1);
  CHECK(group.running() == 0);
  world.run(group.stop());
}

TEST_CASE("task group: stop calls handlers once in order and waits for every task and its frame") {
  sim::World world(1);
  Loop& loop = world.add_node("a").loop();
  Event release(loop);
  std::string order;
  int stopped = 0;
  int destroyed = 0;
  TaskGroup group(loop);
  TaskGroup stoppers(loop);
  group.on_stop([&] { order.push_back('1'); });
  group.on_stop([&] { order.push_back('2'); });
  group.spawn("hold", hold(Guarded(destroyed), release));
  world.run_for(1ms);
  stoppers.spawn("first", stop_and_count(group, stopped));
  stoppers.spawn("second", stop_and_count(group, stopped));
  world.run_for(1s);
  CHECK(group.stopping());
  CHECK(order == "12");
  CHECK(stopped == 0);
  CHECK(destroyed == 0);
  release.set();
  world.run_for(1ms);
  CHECK(stopped == 2);
  CHECK(destroyed == 1);
  world.run(group.stop());
  CHECK(order == "12");
  group.on_stop([&] { order.push_back('3'); });
  CHECK(order == "123");
  world.run(stoppers.stop());
}

TEST_CASE("task group: what has not started when stop begins never runs") {
  sim::World world(1);
  TaskGroup group(world.add_node("a").loop());
  int runs = 0;
  int destroyed = 0;
  Event never(group.loop());
  world.run(spawn_and_stop(group, count(runs), hold(Guarded(destroyed), never)));
  group.spawn("after", count(runs));
  world.run_for(1s);
  CHECK(runs == 0);
  CHECK(destroyed == 1);
}

TEST_CASE("task group: an exception ends its task only, and is counted as a bug") {
  sim::World world(1);
  Loop& loop = world.add_node("a").loop();
  TaskGroup group(loop);
  Event release(loop);
  int runs = 0;
  set_bugs_fatal(false);
  const auto bugs = bug_count();
  group.spawn("throws", throws());
  group.spawn("waits", wait_for(release, runs));
  world.run_for(1ms);
  CHECK(bug_count() == bugs + 1);
  CHECK(group.running() == 1);
  release.set();
  world.run(group.stop());
  CHECK(runs == 1);
  set_bugs_fatal(true);
}

TEST_CASE("loop: a world that goes with suspended coroutines frees their frames") {
  int destroyed = 0;
  {
    sim::World world(1);
    Loop& loop = world.add_node("a").loop();
    CHECK_THROWS(world.run(
        [](Loop& at, Guarded guard) -> Co<void> {
          const Guarded local = std::move(guard);
          co_await sleep_for(at, 2h);
        }(loop, Guarded(destroyed)),
        1h));
    CHECK(destroyed == 0);
  }
  CHECK(destroyed == 1);
}

TEST_CASE("path: only relative paths without tricks") {
  for (const auto* good : {"a", "a/b", "vivim.db-wal", "...", "a/..b"}) {
    CHECK(check_path(good));
  }
  for (const std::string bad : {"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "./a"}) {
    CHECK(check_path(bad).error().is(RtError::bad_path));
  }
  CHECK(!check_path(std::string_view("a\0b", 3)));
  CHECK(check_path(std::string(k_path_bytes_max, 'a')));
  CHECK(!check_path(std::string(k_path_bytes_max + 1, 'a')));
}

TEST_CASE("errors: every code describes itself") {
  for (int code = 0; code <= static_cast<int>(RtError::limit); ++code) {
    const auto info = error_domain(RtError{}).describe(code);
    CHECK(info.name != "unknown");
    CHECK(!info.message.empty());
  }
}
