#include "vivim/libp2p/gossipsub/score.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/gossipsub/router_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p::gossipsub;
using namespace vivim::libp2p::gossipsub::test;

namespace {

constexpr TopicNumber k_topic = 0;

struct Fixture {
  explicit Fixture(ScoreOptions options = {}, const TopicScoreOptions& topic = {})
      : score(options) {
    score.set_topic(k_topic, topic);
    score.refresh(now);
  }
  Score::Record& add(std::uint8_t number) { return score.add_peer(peer_of(number)); }
  void pass(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      now += 1s;
      score.refresh(now);
    }
  }

  Score score;
  rt::TimePoint now{1h};
};

ScoreOptions summed() {
  ScoreOptions options;
  options.balance = Balance::summed;
  return options;
}

}  // namespace

TEST_CASE("score: P1 grows with the time in the mesh, to its cap, and ends with it") {
  Fixture f;
  auto& peer = f.add(2);
  f.score.grafted(peer, k_topic, f.now);
  f.pass(100);
  CHECK(f.score.value(peer) == doctest::Approx(1));
  f.pass(2000);
  CHECK(f.score.value(peer) == doctest::Approx(10));
  f.score.pruned(peer, k_topic);
  CHECK(f.score.value(peer) == 0);
}

TEST_CASE("score: P2 counts first deliveries, to a cap, and fades") {
  Fixture f;
  auto& peer = f.add(2);
  for (int i = 0; i < 100; ++i) {
    f.score.first_delivery(peer, k_topic);
  }
  CHECK(f.score.value(peer) == 40);
  f.pass(1);
  CHECK(f.score.value(peer) == doctest::Approx(40 * 0.97));
  f.pass(600);
  CHECK(f.score.value(peer) == 0);
}

TEST_CASE("score: P3 and P3b, where they are on, punish silence in the mesh after a while") {
  TopicScoreOptions topic;
  topic.mesh_deliveries_weight = -1;
  topic.mesh_failure_weight = -1;
  Fixture f({}, topic);
  auto& silent = f.add(2);
  auto& busy = f.add(3);
  f.score.grafted(silent, k_topic, f.now);
  f.score.grafted(busy, k_topic, f.now);
  f.pass(30);
  CHECK(f.score.value(silent) > 0);
  for (int i = 0; i < 30; ++i) {
    f.score.near_delivery(busy, k_topic);
  }
  f.pass(1);
  CHECK(f.score.value(silent) == doctest::Approx(-400));
  CHECK(f.score.value(busy) > 0);
  f.score.pruned(silent, k_topic);
  CHECK(f.score.value(silent) == doctest::Approx(-400));
  f.pass(10);
  CHECK(f.score.value(silent) < 0);
}

TEST_CASE("score: P4 and P7 are squared, and merits do not make up for them") {
  Fixture f;
  auto& peer = f.add(2);
  for (int i = 0; i < 40; ++i) {
    f.score.first_delivery(peer, k_topic);
  }
  f.score.invalid_message(peer, k_topic);
  CHECK(f.score.value(peer) == -10);
  f.score.invalid_message(peer, k_topic);
  CHECK(f.score.value(peer) == -40);
  f.score.penalize(peer, 3);
  CHECK(f.score.value(peer) == -50);
  Fixture as_specified(summed());
  auto& other = as_specified.add(2);
  for (int i = 0; i < 40; ++i) {
    as_specified.score.first_delivery(other, k_topic);
  }
  as_specified.score.invalid_message(other, k_topic);
  CHECK(as_specified.score.value(other) == 30);
}

TEST_CASE("score: P5 is the application's, P6 counts who shares an address") {
  Fixture f;
  auto& peer = f.add(2);
  f.score.set_app(peer, 7);
  CHECK(f.score.value(peer) == 7);
  f.score.set_app(peer, -7);
  CHECK(f.score.value(peer) == -7);
  f.score.set_app(peer, 0);
  f.score.set_addresses(peer, {"a", "a"});
  for (std::uint8_t i = 0; i < 9; ++i) {
    f.score.set_addresses(f.add(static_cast<std::uint8_t>(10 + i)), {"a"});
  }
  CHECK(f.score.value(peer) == 0);
  f.score.set_addresses(f.add(30), {"b", "a"});
  f.score.set_addresses(f.add(31), {"a"});
  CHECK(f.score.value(peer) == -20);
  f.score.remove_peer(*f.score.find(peer_of(31)), f.now);
  CHECK(f.score.value(peer) == -5);
}

TEST_CASE("score: what is bad outlasts a connection and does not fade meanwhile") {
  Fixture f({.retain = 1h, .retained_max = 2});
  auto& peer = f.add(2);
  f.score.invalid_message(peer, k_topic);
  f.score.remove_peer(peer, f.now);
  CHECK(f.score.retained() == 1);
  f.pass(1000);
  CHECK(f.score.value(f.add(2)) == -10);
  CHECK(f.score.retained() == 0);
  auto& good = f.add(3);
  f.score.first_delivery(good, k_topic);
  f.score.remove_peer(good, f.now);
  CHECK(f.score.find(peer_of(3)) == nullptr);
  // Only so many are remembered, and for so long.
  for (std::uint8_t i = 2; i < 8; ++i) {
    auto& bad = f.add(i);
    f.score.invalid_message(bad, k_topic);
    f.score.remove_peer(bad, f.now);
    f.pass(1);
    CHECK(f.score.retained() <= 2);
  }
  f.pass(4000);
  CHECK(f.score.size() == 0);
}

TEST_CASE("score: misdeeds that do not count yet outlast a connection too, and merits do not") {
  Fixture f;
  f.score.penalize(f.add(2), 2);
  f.score.set_app(f.add(2), 5);
  f.score.remove_peer(f.add(2), f.now);
  CHECK(f.score.retained() == 1);
  CHECK(f.score.value(f.add(2)) == 0);
  f.score.penalize(f.add(2), 1);
  CHECK(f.score.value(f.add(2)) == -10);
  auto& good = f.add(3);
  f.score.set_app(good, 5);
  f.score.remove_peer(good, f.now);
  CHECK(f.score.find(peer_of(3)) == nullptr);
}

TEST_CASE("score: a topic that is dropped takes what was done in it along") {
  Fixture f;
  auto& peer = f.add(2);
  f.score.invalid_message(peer, k_topic);
  f.score.drop_topic(k_topic);
  CHECK(f.score.value(peer) == 0);
  f.score.invalid_message(peer, k_topic);
  CHECK(f.score.value(peer) == 0);
  f.score.set_topic(k_topic, {});
  CHECK(f.score.value(peer) == 0);
}

TEST_CASE("score: slow peers lose a little") {
  Fixture f;
  auto& peer = f.add(2);
  for (int i = 0; i < 70; ++i) {
    f.score.slow(peer);
  }
  CHECK(f.score.value(peer) == doctest::Approx(-10));
  f.pass(60);
  CHECK(f.score.value(peer) == 0);
}

TEST_CASE("score: options that contradict each other are told by number") {
  CHECK(check(RouterOptions{}));
  ScoreOptions score;
  score.thresholds.publish = -1;
  CHECK(check(score).error().detail() == 2);
  score = {};
  score.behaviour_decay = 1;
  CHECK(check(score).error().detail() == 12);
  TopicScoreOptions topic;
  topic.invalid_weight = 1;
  CHECK(check(topic).error().detail() == 15);
  topic = {};
  topic.weight = std::numeric_limits<double>::quiet_NaN();
  CHECK_FALSE(check(topic));
  RouterOptions router;
  router.mesh.d_low = 7;
  CHECK(check(router).error().detail() == 100);
  router = {};
  router.mesh.d_out = 4;
  CHECK(check(router).error().detail() == 104);
  router = {};
  router.limits.asked_of_max = 4;
  CHECK(check(router).error().detail() == 109);
  router = {};
  router.limits.topics_per_peer_max = router.limits.topics_max - 1;
  CHECK(check(router).error().detail() == 110);
}
