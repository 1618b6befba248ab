// Members of a namespace that find each other at points, as whole hosts.
#include "vivim/libp2p/rendezvous/member.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/rendezvous/rendezvous_test_detail.hpp"
#include "vivim/libp2p/rendezvous/server.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::rendezvous;
using namespace vivim::libp2p::rendezvous::test;
using namespace std::chrono_literals;

namespace {

using Step = Schedule::Step;

struct MemberNode : NodeHost {
  explicit MemberNode(rt::sim::Node& at)
      : NodeHost(at),
        member(host, node.loop(), record::Signer::of(key),
               {.ns = "chat", .times = {}, .on_found = [this](const Found& each) {
                  found.push_back(each.peer);
                }}) {}

  std::vector<PeerId> found;
  Member member;
};

struct Members {
  Members() : at(point.listen()) {
    server.emplace(point.host, point.node.loop(), point.node.rng());
    REQUIRE(server->status());
  }
  void stop(MemberNode& node) {
    world.run(node.member.leave());
    world.run(node.host.stop());
    world.run(node.member.stop());
  }

  rt::sim::World world{31};
  MemberNode alice{world.add_node("alice")};
  MemberNode bob{world.add_node("bob")};
  MemberNode point{world.add_node("point")};
  Multiaddr at;
  std::optional<Server> server;
};

}  // namespace

TEST_CASE("rendezvous schedule: registers first, asks again and again, renews at half the time") {
  Schedule schedule;
  CHECK(schedule.next(k_start, false) == Step::discover);  // nothing to register
  CHECK(schedule.next(k_start, true) == Step::enroll);
  CHECK_FALSE(schedule.enrolled_at(k_start));
  schedule.enrolled(2h, k_start);
  CHECK(schedule.next(k_start, true) == Step::discover);
  schedule.discovered(k_start);
  CHECK_FALSE(schedule.next(k_start, true));
  CHECK(schedule.next_deadline(true) == k_start + 1min);
  CHECK(schedule.next(k_start + 1min, true) == Step::discover);
  schedule.discovered(k_start + 59min + 30s);
  CHECK(schedule.next_deadline(true) == k_start + 1h);
  CHECK(schedule.next(k_start + 1h, true) == Step::enroll);
  CHECK(schedule.enrolled_at(k_start + 2h - 1s));
  CHECK_FALSE(schedule.enrolled_at(k_start + 2h));
  schedule.enrolled(2h, k_start + 1h);
  schedule.addresses_changed();
  CHECK(schedule.next(k_start + 1h, true) == Step::enroll);
}

TEST_CASE("rendezvous schedule: waits longer with each failure, up to a limit") {
  Schedule schedule;
  rt::TimePoint now = k_start;
  rt::Duration last{};
  for (int i = 0; i < 20; ++i) {
    schedule.failed(now);
    CHECK_FALSE(schedule.next(now, true));
    const auto wait = schedule.next_deadline(true) - now;
    CHECK(wait >= last);
    CHECK(wait <= 10min);
    last = wait;
    now = schedule.next_deadline(true);
    CHECK(schedule.next(now, true) == Step::enroll);
  }
  CHECK(last == 10min);
  schedule.enrolled(1s, now);  // a point that gives next to no time is not asked all the time
  CHECK(schedule.next(now + 1s, true) == Step::discover);
}

TEST_CASE("rendezvous member: two find each other at a point, and are gone when they leave") {
  Members f;
  f.alice.listen();
  for (MemberNode* node : {&f.alice, &f.bob}) {
    REQUIRE(node->member.add_point(f.at));
    node->member.start();
    f.world.run_for(5s);
  }
  CHECK(f.bob.found == std::vector{f.alice.host.peer_id()});
  CHECK(f.server->registrations() == 1);  // bob listens nowhere
  REQUIRE(f.world.run(f.bob.host.connect(f.alice.host.peer_id(), {})));
  f.bob.listen();
  f.bob.host.listeners_changed();
  f.world.run_for(2min);
  CHECK(f.alice.found == std::vector{f.bob.host.peer_id()});
  CHECK(f.server->registrations() == 2);
  CHECK(f.bob.found.size() == 1);  // told once
  const auto points = f.alice.member.points();
  REQUIRE(points.size() == 1);
  CHECK(points[0].enrolled);
  CHECK(points[0].found == 1);
  CHECK_FALSE(points[0].last_error);

  f.stop(f.alice);
  CHECK(f.server->registrations() == 1);
  f.world.run_for(3h);
  CHECK(f.server->registrations() == 1);  // renewed
  f.stop(f.bob);
  f.world.run(f.point.host.stop());
}

TEST_CASE("rendezvous member: a point that begins anew, or is away, is asked again") {
  Members f;
  f.alice.listen();
  REQUIRE(f.alice.member.add_point(f.at));
  f.alice.member.start();
  f.world.run_for(5s);
  CHECK(f.server->registrations() == 1);
  f.server.emplace(f.point.host, f.point.node.loop(),
                   f.point.node.rng());  // forgets all, cookies too
  f.world.run_for(2min);
  CHECK(f.alice.member.points()[0].failed == 1);  // the cookie
  f.world.run_for(1h);
  CHECK(f.server->registrations() == 1);

  f.world.run(f.point.host.stop());
  f.world.run_for(5min);
  const auto away = f.alice.member.points()[0];
  CHECK(away.failed > 2);
  CHECK(away.failed < 12);
  REQUIRE(away.last_error);
  f.stop(f.alice);
  f.world.run(f.bob.host.stop());
}

TEST_CASE("rendezvous member: points are limited, and named with their peer") {
  Members f;
  CHECK(f.alice.member.add_point(f.at.without_peer()).error().is(RendezvousError::no_peer));
  for (std::size_t i = 0; i < k_points_max; ++i) {
    REQUIRE(f.alice.member.add_point(f.at));
  }
  CHECK(f.alice.member.add_point(f.at).error().is(RendezvousError::too_many_points));
  for (MemberNode* node : {&f.alice, &f.bob, &f.point}) {
    f.world.run(node->host.stop());
  }
}
