#include "vivim/rt/asio/loop.hpp"

#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"

using namespace vivim;
using namespace vivim::rt;

namespace {

Co<void> pass_on(Event& mine, Event& next, std::string& order, char name) {
  co_await mine.wait();
  order.push_back(name);
  next.set();
}

Co<void> wake(Event& first, Event& last, std::string& order) {
  first.set();
  order.push_back('0');
  co_await last.wait();
}

}  // namespace

TEST_CASE("loop: what is posted here runs in order, and not inside the call") {
  asio_::Loop loop;
  std::string order;
  loop.post_here([&] { order.push_back('a'); });
  loop.post_here([&] {
    order.push_back('b');
    loop.post_here([&] { order.push_back('d'); });
  });
  loop.post_here([&] { order.push_back('c'); });
  CHECK(order.empty());
  loop.run();
  CHECK(order == "abcd");
}

TEST_CASE("loop: who is woken resumes from the loop, not inside set()") {
  asio_::Loop loop;
  Event first(loop);
  Event second(loop);
  Event last(loop);
  std::string order;
  TaskGroup tasks(loop);
  tasks.spawn("second", pass_on(second, last, order, '2'));
  tasks.spawn("first", pass_on(first, second, order, '1'));
  loop.run(wake(first, last, order));
  CHECK(order == "012");
  loop.run(tasks.stop());
}

TEST_CASE("loop: what wakes itself again and again lets others have their turn") {
  asio_::Loop loop;
  int turns = 0;
  bool other = false;
  std::move_only_function<void()> again = [&] {
    if (++turns < 10'000 && !other) {
      loop.post_here([&] { again(); });
    }
  };
  loop.post_here([&] { again(); });
  loop.post([&] { other = true; });
  loop.run();
  CHECK(other);
  CHECK(turns < 100);
}

TEST_CASE("loop: what has not run goes with the loop") {
  const auto held = std::make_shared<int>(1);
  {
    asio_::Loop loop;
    loop.post_here([held] {});
    CHECK(held.use_count() == 2);
  }
  CHECK(held.use_count() == 1);
}
