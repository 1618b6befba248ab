#include "vivim/rt/datagram.hpp"

#include <map>

#include <doctest/doctest.h>

#include "vivim/rt/sim/streams_test_detail.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::rt;
using namespace std::chrono_literals;
using sim::CrashKind;
using sim::LinkOptions;
using sim::Node;
using sim::World;
using sim::test::k_port;

namespace {

std::unique_ptr<DatagramSocket> open(Node& node, DatagramOptions options = {}) {
  return node.network().open_datagram({.ip = node.ip(), .port = k_port}, options).value();
}

Co<void> collect(DatagramSocket& socket, std::vector<Bytes>& into) {
  for (;;) {
    const auto batch = co_await socket.receive();
    if (!batch) {
      co_return;
    }
    for (const Datagram& datagram : *batch) {
      into.push_back(to_bytes(datagram.bytes));
    }
  }
}

Co<void> send_numbers(DatagramSocket& from, Endpoint to, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    Bytes bytes(4);
    store_be32(bytes, i);
    CHECK(co_await from.send(to, bytes));
  }
}

struct Arrivals {
  std::map<std::uint32_t, int> copies;
  bool reordered = false;
  std::uint64_t trace = 0;
};

Arrivals run(std::uint64_t seed, LinkOptions link, std::uint32_t count) {
  World world(seed);
  world.set_default_link(link);
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  const auto from = open(a);
  const auto to = open(b);
  TaskGroup tasks(b.loop());
  std::vector<Bytes> got;
  tasks.on_stop([&to] { to->close(); });
  tasks.spawn("collect", collect(*to, got));
  world.run(send_numbers(*from, to->local(), count));
  world.run_for(10s);
  world.run(tasks.stop());
  Arrivals arrivals{.trace = world.trace_hash()};
  std::uint32_t last = 0;
  for (const Bytes& bytes : got) {
    const std::uint32_t number = load_be32(bytes);
    arrivals.reordered |= number < last;
    last = number;
    ++arrivals.copies[number];
  }
  return arrivals;
}

}  // namespace

TEST_CASE("datagrams: a clean link loses nothing and keeps the order") {
  const auto arrivals = run(1, {}, 500);
  CHECK(arrivals.copies.size() == 500);
  CHECK(!arrivals.reordered);
}

TEST_CASE("datagrams: loss, doubling and reordering, the same for the same seed") {
  const LinkOptions bad{.jitter = 5ms, .loss_ppm = 100'000, .duplicate_ppm = 50'000};
  const auto arrivals = run(7, bad, 2000);
  CHECK(arrivals.copies.size() > 1700);
  CHECK(arrivals.copies.size() < 1900);
  int doubled = 0;
  for (const auto& [number, copies] : arrivals.copies) {
    doubled += copies == 2 ? 1 : 0;
  }
  CHECK(doubled > 50);
  CHECK(arrivals.reordered);
  CHECK(run(7, bad, 2000).trace == arrivals.trace);
  CHECK(run(8, bad, 2000).trace != arrivals.trace);
}

TEST_CASE("datagrams: a slow wire has a bounded queue, a socket a bounded buffer") {
  const auto slow = run(1, {.bytes_per_second = 1000, .queue_bytes_max = 400}, 1000);
  CHECK(slow.copies.size() >= 100);
  CHECK(slow.copies.size() <= 102);

  World world(1, {.datagram_buffer_bytes = 400});
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  const auto from = open(a);
  const auto to = open(b);
  world.run(send_numbers(*from, to->local(), 1000));
  world.run_for(1s);
  std::vector<Bytes> got;
  TaskGroup tasks(b.loop());
  tasks.on_stop([&to] { to->close(); });
  tasks.spawn("collect", collect(*to, got));
  world.run_for(1s);
  world.run(tasks.stop());
  CHECK(got.size() == 100);
}

TEST_CASE("datagrams: size of the path, partitions, crashes, errors") {
  World world(1);
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  const auto from = open(a);
  auto to = open(b);
  std::vector<Bytes> got;
  TaskGroup tasks(b.loop());
  tasks.on_stop([&to] { to->close(); });
  tasks.spawn("collect", collect(*to, got));
  const Bytes fits(1472);
  const Bytes long_one(1473);
  const auto send = [&](const Bytes& bytes) {
    const auto sent = world.run(from->send(to->local(), bytes));
    world.run_for(1s);
    return sent;
  };
  CHECK(send(fits));
  CHECK(send(long_one));
  CHECK(got.size() == 1);
  world.partition(a, b);
  CHECK(send(fits));
  world.heal(a, b);
  CHECK(send(fits));
  CHECK(got.size() == 2);

  CHECK(a.network().open_datagram(from->local(), {}).error().is(RtError::address_in_use));
  CHECK(a.network().open_datagram({.ip = b.ip()}, {}).error().is(RtError::bad_address));
  const Bytes huge(70'000);
  CHECK(send(huge).error().is(RtError::limit));

  b.crash(CrashKind::power);
  world.run_for(1s);
  world.run(tasks.stop());
  CHECK(send(fits));
  CHECK(got.size() == 2);
  b.restart();
  to = open(b);
  CHECK(to->local().port == k_port);
}

TEST_CASE("datagrams: multicast reaches every member, also the sender") {
  World world(1);
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  Node& c = world.add_node("c");
  const Endpoint group{.ip = IpAddress::v4(224, 0, 0, 251), .port = k_port};
  std::vector<std::unique_ptr<DatagramSocket>> sockets;
  std::vector<std::vector<Bytes>> got(3);
  TaskGroup tasks(a.loop());
  for (Node* node : {&a, &b, &c}) {
    sockets.push_back(node->network().open_datagram({.port = k_port}, {.shared = true}).value());
    tasks.spawn("collect", collect(*sockets.back(), got[sockets.size() - 1]));
  }
  CHECK(sockets[0]->join(a.ip(), a.ip()).error().is(RtError::bad_address));
  CHECK(sockets[0]->join(group.ip, a.ip()));
  CHECK(sockets[1]->join(group.ip, b.ip()));
  const Bytes query = to_bytes("query");
  CHECK(world.run(sockets[0]->send(group, query)));
  world.run_for(1s);
  tasks.on_stop([&sockets] {
    for (const auto& socket : sockets) {
      socket->close();
    }
  });
  world.run(tasks.stop());
  CHECK(got[0].size() == 1);
  CHECK(got[1].size() == 1);
  CHECK(got[2].empty());
}
