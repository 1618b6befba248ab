#include "vivim/rt/datagram.hpp"

#include <doctest/doctest.h>

#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::rt;
using namespace std::chrono_literals;

namespace {

const IpAddress k_here = IpAddress::v4(127, 0, 0, 1);

std::unique_ptr<DatagramSocket> open(asio_::Loop& loop, DatagramOptions options = {},
                                     Endpoint at = {.ip = k_here}) {
  asio_::TcpNetwork network(loop);
  return network.open_datagram(at, options).value();
}

struct Got {
  Endpoint remote;
  IpAddress local;
  Bytes bytes;
};

/// Receives `count` datagrams.
Co<std::vector<Got>> take(DatagramSocket& socket, std::size_t count) {
  std::vector<Got> all;
  while (all.size() < count) {
    const auto batch = co_await socket.receive();
    REQUIRE(batch);
    for (const Datagram& datagram : *batch) {
      all.push_back({datagram.remote, datagram.local, to_bytes(datagram.bytes)});
    }
  }
  co_return all;
}

Bytes pattern(std::size_t count) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
  }
  return bytes;
}

Co<void> send_segments(asio_::Loop& loop, bool batches, std::size_t bytes_total) {
  const auto a = open(loop, {.batches = batches, .buffer_bytes = 4 << 20});
  const auto b = open(loop, {.batches = batches, .buffer_bytes = 4 << 20});
  const Bytes sent = pattern(bytes_total);
  REQUIRE(co_await a->send(b->local(), sent, {.segment_bytes = 1200}));
  const auto got = co_await take(*b, (bytes_total + 1199) / 1200);
  Bytes joined;
  for (const Got& one : got) {
    CHECK(one.remote == a->local());
    CHECK(one.local == k_here);
    CHECK((one.bytes.size() == 1200 || &one == &got.back()));
    append(joined, one.bytes);
  }
  CHECK(joined == sent);
}

Co<void> receive_until_closed(DatagramSocket& socket, std::optional<Error>& error) {
  const auto batch = co_await socket.receive();
  if (!batch) {
    error = batch.error();
  }
}

Co<void> close_ends_receive(asio_::Loop& loop) {
  TaskGroup tasks(loop);
  const auto socket = open(loop);
  std::optional<Error> error;
  tasks.spawn("receive", receive_until_closed(*socket, error));
  co_await sleep_for(loop, 1ms);
  socket->close();
  socket->close();
  co_await tasks.stop();
  REQUIRE(error);
  CHECK(error->is(RtError::closed));
  const Bytes bytes(1);
  CHECK((co_await socket->send({.ip = k_here, .port = 9}, bytes)).error().is(RtError::closed));
}

Co<void> drops_and_errors(asio_::Loop& loop) {
  const auto a = open(loop);
  const auto b = open(loop, {.receive_bytes_max = 100});
  const Bytes large(101);
  const Bytes small(100, 1);
  REQUIRE(co_await a->send(b->local(), large));
  REQUIRE(co_await a->send(b->local(), small));
  CHECK((co_await take(*b, 1)).front().bytes == small);
  const Bytes huge(70'000);
  CHECK((co_await a->send(b->local(), huge)).error().is(RtError::limit));
  // Nobody there: not our error, and not that of the next datagram either.
  const Endpoint nobody{.ip = k_here, .port = 1};
  for (int i = 0; i < 3; ++i) {
    CHECK(co_await a->send(nobody, small));
  }
  REQUIRE(co_await b->send(a->local(), small));
  CHECK((co_await take(*a, 1)).size() == 1);
}

Co<void> addresses(asio_::Loop& loop) {
  asio_::TcpNetwork network(loop);
  const auto any = open(loop, {}, {});
  const auto a = open(loop);
  const Bytes bytes(3, 3);
  const Endpoint second{.ip = IpAddress::v4(127, 0, 0, 2), .port = any->local().port};
  REQUIRE(co_await a->send(second, bytes));
  const auto got = co_await take(*any, 1);
  CHECK(got.front().local == second.ip);
  // Answered from the address that was asked.
  REQUIRE(co_await any->send(got.front().remote, bytes, {.from = second.ip}));
  CHECK((co_await take(*a, 1)).front().remote == second);

  const auto taken = network.open_datagram(a->local(), {});
  REQUIRE(!taken);
  CHECK(taken.error().is(RtError::address_in_use));
  CHECK(network.open_datagram({.ip = IpAddress::v4(192, 0, 2, 1)}, {})
            .error()
            .is(RtError::bad_address));
  const auto first = open(loop, {.shared = true});
  CHECK(network.open_datagram(first->local(), {.shared = true}));
}

Co<void> multicast(asio_::Loop& loop) {
  const auto a = open(loop, {.shared = true}, {});
  const Endpoint group{.ip = IpAddress::v4(224, 0, 0, 251), .port = a->local().port};
  CHECK(a->join(k_here, k_here).error().is(RtError::bad_address));
  const auto joined = a->join(group.ip, k_here);
  if (!joined) {
    MESSAGE("skipped: this machine has no multicast: ", joined.error().message());
    co_return;
  }
  const Bytes bytes = to_bytes("query");
  REQUIRE(co_await a->send(group, bytes));
  CHECK((co_await take(*a, 1)).front().bytes == bytes);
}

Co<void> v6(asio_::Loop& loop) {
  asio_::TcpNetwork network(loop);
  const Endpoint here{.ip = IpAddress::parse("::1").value()};
  auto a = network.open_datagram(here, {.batches = true, .never_fragment = true});
  if (!a) {
    MESSAGE("skipped: this machine has no IPv6: ", a.error().message());
    co_return;
  }
  const Bytes bytes = pattern(3000);
  REQUIRE(co_await (*a)->send((*a)->local(), bytes, {.segment_bytes = 1000}));
  const auto got = co_await take(**a, 3);
  CHECK(got[0].local == here.ip);
  CHECK(got[2].bytes.size() == 1000);
}

}  // namespace

TEST_CASE("datagrams: segments arrive one by one, joined by the system or not") {
  asio_::Loop loop;
  for (const bool batches : {false, true}) {
    for (const std::size_t count : {500UZ, 1200UZ, 3000UZ, 200'000UZ}) {
      CAPTURE(batches);
      CAPTURE(count);
      loop.run(send_segments(loop, batches, count));
    }
  }
}

TEST_CASE("datagrams: closing ends what is pending") {
  asio_::Loop loop;
  loop.run(close_ends_receive(loop));
}

TEST_CASE("datagrams: too long ones are dropped, unreachable peers are nobody's error") {
  asio_::Loop loop;
  loop.run(drops_and_errors(loop));
}

TEST_CASE("datagrams: which address was asked, and answers") {
  asio_::Loop loop;
  loop.run(addresses(loop));
}

TEST_CASE("datagrams: multicast comes back") {
  asio_::Loop loop;
  loop.run(multicast(loop));
}

TEST_CASE("datagrams: IPv6") {
  asio_::Loop loop;
  loop.run(v6(loop));
}
