// Circles over whole hosts that gossip: members at the ends, others between them.
#include "vivim/message/gossip_circles.hpp"

#include <map>

#include "vivim/message/village_test_detail.hpp"

using namespace vivim;
using namespace vivim::message;
using namespace vivim::message::test;
using namespace std::chrono_literals;

TEST_CASE("gossip circles: what one says, all hear once, causes first") {
  Village village(1, 6);
  const auto topic = village.join_all(1);
  for (int i = 0; i < 30; ++i) {
    village.say(village.world.rng().below(6), topic, std::to_string(i));
    village.world.run_for(std::chrono::milliseconds(village.world.rng().below(300)));
  }
  village.world.run_for(1min);
  std::map<std::string, int> total;
  for (const auto& person : village.people) {
    for (const auto& [text, times] : person->heard) {
      CHECK(times == 1);
      total[text] += times;
    }
    for (const auto order : person->orders) {
      CHECK(order == Order::causal);
    }
  }
  CHECK(total.size() == 30);
  for (const auto& [text, times] : total) {
    CHECK(times == 5);
  }
}

TEST_CASE("gossip circles: what is not by a member is not passed on, and costs its carrier") {
  Village village(2, 3);
  const auto topic = village.join_all(1);
  // The first has another secret, and says in this topic what nobody can open.
  auto& stranger = *village.people[0];
  const Circle other(CircleSecret(Bytes(32, 9)));
  Message message{
      .id = message_id(1),
      .time_ms = stranger.node().clock().wall_now_ms(),
      .lifetime = 1h,
      .from = stranger.host().peer_id(),
      .to = topic.to_text(),
      .payload = other.seal(stranger.host().peer_id(), topic.to_text(), Bytes{1},
                            [&](MutableBytes out) { stranger.node().rng().fill(out); })};
  REQUIRE(stranger.service().publish(topic.to_text(),
                                     seal(Signer::of(stranger.key()), message).value()));
  village.world.run_for(10s);
  CHECK(village.people[1]->circles().counts().refused == 1);
  CHECK(village.people[2]->circles().counts().refused == 0);
  CHECK(village.people[1]->heard.empty());
}

TEST_CASE("gossip circles: who left a circle and still hears its topic passes it on unjudged") {
  // A line: the one in the middle leaves the circle, but somebody else there keeps the topic.
  Village village(3, 3);
  const auto topic = village.join_all(0);
  auto& middle = *village.people[1];
  REQUIRE(middle.service().subscribe(topic.to_text()));
  std::size_t delivered = 0;
  const auto observed = middle.service().observe([&](const libp2p::gossipsub::Event& event) {
    delivered += std::holds_alternative<libp2p::gossipsub::Delivered>(event) ? 1 : 0;
  });
  village.say(0, topic, "one");
  village.world.run_for(5s);
  CHECK(middle.heard.size() == 1);
  CHECK(delivered == 1);
  REQUIRE(village.world.run(middle.circles().leave(topic.circle)));
  village.say(0, topic, "two");
  village.world.run_for(5s);
  CHECK(middle.heard.size() == 1);
  CHECK(delivered == 2);
  CHECK(village.people[2]->heard.contains("two"));
}
