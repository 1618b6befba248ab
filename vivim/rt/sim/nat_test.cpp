#include "vivim/rt/sim/nat.hpp"

#include <doctest/doctest.h>

#include "vivim/rt/error.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::rt;
using namespace vivim::rt::sim;
using namespace std::chrono_literals;

namespace {

const Endpoint k_local{.ip = IpAddress::v4(10, 0, 0, 2), .port = 4001};
const Endpoint k_one{.ip = IpAddress::v4(1, 1, 1, 1), .port = 1};
const Endpoint k_one_other_port{.ip = IpAddress::v4(1, 1, 1, 1), .port = 2};
const Endpoint k_two{.ip = IpAddress::v4(2, 2, 2, 2), .port = 1};
const IpAddress k_external = IpAddress::v4(198, 51, 100, 1);

/// Where `node` is seen by `by`, when it connects from `local`.
Endpoint seen_by(World& world, Node& node, Node& by, std::uint16_t port, Endpoint local) {
  auto listener = by.network().listen({.ip = by.ip(), .port = port}).value();
  auto dialled = world.run(node.network().dial_from(local, listener->local(), 5s));
  REQUIRE(dialled);
  auto accepted = world.run(listener->accept());
  REQUIRE(accepted);
  return accepted->remote;
}

struct Dialled {
  std::optional<Result<Connection>> result;
};

Co<void> dial_into(Network& network, Endpoint from, Endpoint to, Dialled& into) {
  into.result.emplace(co_await network.dial_from(from, to, 5s));
}

/// Both dial each other's external end from their port 4001; whether they meet.
bool punch(NatOptions first, NatOptions second) {
  World world(1);
  Node& server = world.add_node("server");
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  world.put_behind_nat(a, first);
  world.put_behind_nat(b, second);
  const Endpoint local_a{.ip = a.ip(), .port = 4001};
  const Endpoint local_b{.ip = b.ip(), .port = 4001};
  auto listen_a = a.network().listen(local_a).value();
  auto listen_b = b.network().listen(local_b).value();
  const Endpoint external_a = seen_by(world, a, server, 1, local_a);
  const Endpoint external_b = seen_by(world, b, server, 2, local_b);
  Dialled from_a;
  Dialled from_b;
  TaskGroup tasks(a.loop());
  tasks.spawn("a", dial_into(a.network(), local_a, external_b, from_a));
  tasks.spawn("b", dial_into(b.network(), local_b, external_a, from_b));
  world.run_for(10s);
  REQUIRE(from_a.result);
  REQUIRE(from_b.result);
  const bool met = from_a.result->has_value() || from_b.result->has_value();
  world.run(tasks.stop());
  return met;
}

}  // namespace

TEST_CASE("nat: mappings and filters of RFC 4787") {
  NatTable cone(NatOptions::full_cone(), k_external);
  const Endpoint seen = cone.outbound(k_local, k_one);
  CHECK(seen.ip == k_external);
  CHECK(cone.outbound(k_local, k_two) == seen);
  CHECK(cone.inbound(seen, k_two) == k_local);
  CHECK(cone.inbound(seen, {.ip = IpAddress::v4(9, 9, 9, 9), .port = 9}) == k_local);
  CHECK_FALSE(cone.inbound({.ip = k_external, .port = 1}, k_one));
  CHECK_FALSE(cone.inbound({.ip = IpAddress::v4(9, 9, 9, 9), .port = seen.port}, k_one));

  NatTable restricted(NatOptions::restricted(), k_external);
  const Endpoint out = restricted.outbound(k_local, k_one);
  CHECK(restricted.inbound(out, k_one_other_port) == k_local);
  CHECK_FALSE(restricted.inbound(out, k_two));

  NatTable ports(NatOptions::port_restricted(), k_external);
  const Endpoint strict = ports.outbound(k_local, k_one);
  CHECK(ports.inbound(strict, k_one) == k_local);
  CHECK_FALSE(ports.inbound(strict, k_one_other_port));

  NatTable symmetric(NatOptions::symmetric(), k_external);
  const Endpoint first = symmetric.outbound(k_local, k_one);
  CHECK(symmetric.outbound(k_local, k_two) != first);
  CHECK(symmetric.outbound(k_local, k_one) == first);
}

TEST_CASE("nat: nobody gets in who was not asked; what left comes back") {
  World world(1);
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  const IpAddress external = world.put_behind_nat(a, NatOptions::port_restricted());
  auto listener = a.network().listen({.ip = a.ip(), .port = 4001}).value();
  CHECK(world.run(b.network().dial({.ip = a.ip(), .port = 4001}, 3s))
            .error()
            .is(RtError::unreachable));
  CHECK(world.run(b.network().dial({.ip = external, .port = 4001}, 3s))
            .error()
            .is(RtError::timed_out));
  auto other = b.network().listen({.ip = b.ip(), .port = 1}).value();
  auto out = world.run(a.network().dial(other->local(), 3s));
  REQUIRE(out);
  auto in = world.run(other->accept());
  REQUIRE(in);
  CHECK(in->remote.ip == external);
  CHECK(out->local.ip == a.ip());
  REQUIRE(world.run(in->stream->write(Bytes{1, 2, 3})));
  Bytes bytes(3);
  REQUIRE(world.run(read_exactly(*out->stream, bytes)));
  // Nobody else, either.
  CHECK(world.run(b.network().dial(in->remote, 3s)).error().is(RtError::timed_out));
}

TEST_CASE("nat: a full cone lets everybody in at the port that was opened") {
  World world(1);
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  Node& c = world.add_node("c");
  world.put_behind_nat(a, NatOptions::full_cone());
  const Endpoint local{.ip = a.ip(), .port = 4001};
  auto listener = a.network().listen(local).value();
  const Endpoint external = seen_by(world, a, b, 1, local);
  CHECK(world.run(c.network().dial(external, 3s)));
}

TEST_CASE("nat: TCP hole punching through cones, not through two symmetric ones") {
  CHECK(punch(NatOptions::full_cone(), NatOptions::full_cone()));
  CHECK(punch(NatOptions::restricted(), NatOptions::restricted()));
  CHECK(punch(NatOptions::port_restricted(), NatOptions::port_restricted()));
  CHECK(punch(NatOptions::full_cone(), NatOptions::symmetric()));
  CHECK(punch(NatOptions::restricted(), NatOptions::symmetric()));
  CHECK_FALSE(punch(NatOptions::port_restricted(), NatOptions::symmetric()));
  CHECK_FALSE(punch(NatOptions::symmetric(), NatOptions::symmetric()));
}

TEST_CASE("nat: datagrams") {
  World world(1);
  Node& a = world.add_node("a");
  Node& b = world.add_node("b");
  Node& c = world.add_node("c");
  const IpAddress external = world.put_behind_nat(a, NatOptions::restricted());
  auto inside = a.network().open_datagram({.ip = a.ip(), .port = 4001}, {}).value();
  auto one = b.network().open_datagram({.ip = b.ip(), .port = 1}, {}).value();
  auto two = c.network().open_datagram({.ip = c.ip(), .port = 1}, {}).value();
  REQUIRE(world.run(inside->send(one->local(), Bytes{1}, {})));
  const auto arrived = world.run(one->receive());
  REQUIRE(arrived);
  const Endpoint seen = arrived->front().remote;
  CHECK(seen.ip == external);
  REQUIRE(world.run(two->send(seen, Bytes{9}, {})));  // dropped
  world.run_for(1s);
  REQUIRE(world.run(one->send(seen, Bytes{2}, {})));
  const auto back = world.run(inside->receive());
  REQUIRE(back);
  REQUIRE(back->size() == 1);
  CHECK(to_bytes(back->front().bytes) == Bytes{2});
  CHECK(back->front().local == a.ip());
}
