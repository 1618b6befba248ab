#include "vivim/rt/wait.hpp"

#include <string>

#include <doctest/doctest.h>

#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::rt;
using namespace std::chrono_literals;

namespace {

Co<void> wait_and_note(Event& event, std::string& order, char name) {
  co_await event.wait();
  order.push_back(name);
}

Co<void> send_all(Channel<int>& channel, int count, int& sent) {
  for (int i = 0; i < count; ++i) {
    if (!co_await channel.send(i)) {
      co_return;
    }
    ++sent;
  }
}

Co<void> receive_all(Channel<int>& channel, std::vector<int>& received) {
  while (auto item = co_await channel.receive()) {
    received.push_back(*item);
  }
}

}  // namespace

TEST_CASE("event: wakes all in order, from the loop and not inside set") {
  sim::World world(1);
  Loop& loop = world.add_node("a").loop();
  Event event(loop);
  TaskGroup tasks(loop);
  std::string order;
  for (const char name : {'a', 'b', 'c'}) {
    tasks.spawn("waiter", wait_and_note(event, order, name));
  }
  world.run_for(1ms);
  CHECK(order.empty());
  event.set();
  CHECK(order.empty());
  world.run_for(1ms);
  CHECK(order == "abc");
  tasks.spawn("late", wait_and_note(event, order, 'd'));
  world.run_for(1ms);
  CHECK(order == "abcd");
  event.reset();
  CHECK(!event.is_set());
  world.run(tasks.stop());
}

TEST_CASE("channel: bounded, in order, closed after what is queued") {
  sim::World world(1);
  Loop& loop = world.add_node("a").loop();
  Channel<int> channel(loop, 2);
  TaskGroup tasks(loop);
  int sent = 0;
  tasks.spawn("sender", send_all(channel, 5, sent));
  world.run_for(1ms);
  CHECK(sent == 2);
  CHECK(channel.size() == 2);
  CHECK(!channel.try_send(9));

  std::vector<int> received;
  tasks.spawn("receiver", receive_all(channel, received));
  world.run_for(1ms);
  CHECK(received == std::vector{0, 1, 2, 3, 4});
  CHECK(channel.try_send(5));
  channel.close();
  CHECK(!channel.try_send(6));
  world.run_for(1ms);
  CHECK(received.back() == 5);
  CHECK(tasks.running() == 0);
  world.run(tasks.stop());
}

TEST_CASE("channel: close wakes blocked senders and receivers") {
  sim::World world(1);
  Loop& loop = world.add_node("a").loop();
  Channel<int> full(loop, 1);
  Channel<int> empty(loop, 1);
  TaskGroup tasks(loop);
  int sent = 0;
  std::vector<int> received;
  tasks.spawn("sender", send_all(full, 2, sent));
  tasks.spawn("receiver", receive_all(empty, received));
  world.run_for(1ms);
  CHECK(tasks.running() == 2);
  full.close();
  empty.close();
  world.run_for(1ms);
  CHECK(tasks.running() == 0);
  CHECK(sent == 1);
  CHECK(full.closed());
  world.run(tasks.stop());
}

TEST_CASE("sleep_for: takes exactly that long in virtual time") {
  sim::World world(1);
  Loop& loop = world.add_node("a").loop();
  const TimePoint before = world.now();
  world.run(sleep_for(loop, 1500ms));
  CHECK(world.now() - before == 1500ms);
}
