// Members tell each other what one of them has not heard.
#include "vivim/message/circle_sync.hpp"

#include "vivim/message/village_test_detail.hpp"
#include "vivim/message/world_test_detail.hpp"

using namespace vivim;
using namespace vivim::message;
using namespace vivim::message::test;
using namespace std::chrono_literals;

namespace {

/// Each text once, and causes first.
void check_heard(const Villager& who, std::size_t texts) {
  CHECK(who.heard.size() == texts);
  for (const auto& [text, times] : who.heard) {
    CHECK_MESSAGE(times == 1, text);
  }
  for (const auto order : who.orders) {
    CHECK(order == Order::causal);
  }
}

/// What a peer answers to a question of ours.
std::optional<Frame> ask(Village& village, std::size_t who, std::size_t whom, const Frame& frame) {
  const std::vector<std::string> protocols{std::string(k_circle_protocol_id)};
  auto& from = *village.people[who];
  auto opened =
      village.world.run(from.host().open_stream(village.people[whom]->host().peer_id(), protocols));
  REQUIRE(opened);
  Conversation conversation(std::move(opened->stream), from.node().loop(), 10s,
                            k_mails_bytes_max + k_frame_bytes_max);
  if (!village.world.run(conversation.write(frame))) {
    return std::nullopt;
  }
  auto answer = village.world.run(conversation.read());
  return answer ? std::optional(std::move(*answer)) : std::nullopt;
}

}  // namespace

TEST_CASE("circle sync: who was away hears all of it, once, causes first") {
  silence_log();
  Village village(1, 3);
  const auto topic = village.join_all(1);
  village.say(0, topic, "before");
  village.world.run_for(5s);
  village.world.set_island(village.people[2]->node(), 1);
  village.world.run_for(3min);  // connections end
  for (int i = 0; i < 200; ++i) {
    village.say(static_cast<std::size_t>(i % 2), topic, "away " + std::to_string(i));
    village.world.run_for(1s);
  }
  CHECK(village.people[2]->heard.size() == 1);
  village.world.set_island(village.people[2]->node(), 0);
  village.connect(2, 1);
  village.world.run_for(20s);
  check_heard(*village.people[2], 201);
  CHECK(village.people[2]->circles().counts().caught_up == 200);
  CHECK(village.people[2]->circles().counts().gaps == 0);
}

TEST_CASE("circle sync: what the last message lost is found without a next one") {
  silence_log();
  Village village(2, 2);
  const auto topic = village.join_all(1);
  // Nobody is there when it is said, and the connection does not end.
  village.world.partition(village.people[0]->node(), village.people[1]->node());
  village.say(0, topic, "lost");
  village.world.run_for(20s);
  village.world.heal_all();
  village.world.run_for(3min);
  check_heard(*village.people[1], 1);
}

TEST_CASE("circle sync: who joins later hears what was said before, as long as it is kept") {
  silence_log();
  Village village(3, 2);
  const auto topic = village.join(0, 1);
  village.say(0, topic, "old");
  village.world.run_for(23h);
  village.say(0, topic, "newer");
  village.world.run_for(2h);  // now the first is over
  village.connect(1, 0);
  village.world.run_for(5s);
  REQUIRE(village.join(1, 1).circle == topic.circle);
  village.people[1]->sync().joined(topic.circle);
  village.world.run_for(3min);
  CHECK(village.people[1]->heard == std::map<std::string, int>{{"newer", 1}});
}

TEST_CASE("circle sync: who left and joins again hears on, and uses no number twice") {
  silence_log();
  Village village(6, 2);
  const auto topic = village.join_all(1);
  auto& bob = *village.people[1];
  for (int i = 0; i < 70; ++i) {
    village.say(0, topic, "before " + std::to_string(i));
  }
  village.say(1, topic, "mine");
  village.say(1, topic, "mine too");
  village.world.run_for(20s);
  CHECK(bob.heard.size() == 70);
  REQUIRE(village.world.run(bob.circles().leave(topic.circle)));
  for (int i = 0; i < 5; ++i) {
    village.say(0, topic, "away " + std::to_string(i));
  }
  village.world.run_for(5s);
  village.join(1, 1);
  bob.sync().joined(topic.circle);
  village.world.run_for(1min);
  check_heard(bob, 75);
  village.say(1, topic, "back");
  village.world.run_for(10s);
  const auto& alice = *village.people[0];
  CHECK(alice.saids.size() == 3);
  CHECK(alice.saids.back().clock.at(bob.host().peer_id()) == 3);
  CHECK(alice.orders.back() == Order::causal);
}

TEST_CASE("circle sync: lives that end at any moment hear all of it, once") {
  silence_log();
  for (std::uint64_t seed = 1; seed <= 60 / VIVIM_SEEDS_PART; ++seed) {
    CAPTURE(seed);
    Village village(seed, 3);
    const auto topic = village.join_all(1);
    auto& rng = village.world.rng();
    int said = 0;
    for (int step = 0; step < 30; ++step) {
      if (rng.below(6) == 0) {
        village.people[2]->crash();
        village.world.run_for(std::chrono::milliseconds(rng.below(5'000)));
        village.people[2]->start_again();
        village.connect(2, rng.below(2));
      }
      village.say(rng.below(2), topic, std::to_string(said++));
      village.world.run_for(std::chrono::milliseconds(rng.below(500)));
    }
    village.world.run_for(5min);
    CHECK(village.people[2]->heard.size() == static_cast<std::size_t>(said));
    for (const auto& [text, times] : village.people[2]->heard) {
      CHECK_MESSAGE(times == 1, text);
    }
  }
}

TEST_CASE("circle sync: strangers are told nothing, and nothing of theirs is taken") {
  silence_log();
  Village village(4, 2);
  const auto topic = village.join(0, 1);
  village.say(0, topic, "for members");
  village.world.run_for(1s);
  const auto refused = [&](const Frame& frame) {
    const auto answer = ask(village, 1, 0, frame);
    const auto* receipt = answer ? std::get_if<Receipt>(&*answer) : nullptr;
    return receipt != nullptr && receipt->status == Status::refused;
  };
  CHECK(refused(Ask{.circle = topic.circle, .sealed_clock = {}}));
  CHECK(refused(Ask{.circle = topic.circle, .sealed_clock = Bytes(100, 1)}));
  CHECK(refused(Ask{.circle = CircleId{.bytes = {7}}, .sealed_clock = Bytes(100, 1)}));
  // What a member sealed is worth nothing to another.
  const auto members = village.people[0]->circles().ask(topic.circle).value();
  CHECK(refused(members));
  CHECK(village.people[0]->sync().counts().strangers == 4);
  CHECK_FALSE(ask(village, 1, 0, Fetch{}));  // not a word of this protocol
  // The stranger answers with what it made up.
  auto& member = *village.people[0];
  const Circle other(CircleSecret(Bytes(32, 9)));
  Message lie{.id = message_id(1),
              .time_ms = member.node().clock().wall_now_ms(),
              .lifetime = 1h,
              .from = village.people[1]->host().peer_id(),
              .to = topic.to_text(),
              .payload = other.seal(village.people[1]->host().peer_id(), topic.to_text(), Bytes{1},
                                    [&](MutableBytes out) { member.node().rng().fill(out); })};
  const auto by_stranger = seal(Signer::of(village.people[1]->key()), lie).value();
  const auto take = [&](Bytes envelope) {
    return village.world.run(
        member.circles().take_said(topic.circle, {.envelopes = {std::move(envelope)}}));
  };
  CHECK_FALSE(take(by_stranger).honest);
  CHECK_FALSE(take(Bytes{1, 2, 3}).honest);
  lie.to = std::string("/vivim/instances");
  CHECK_FALSE(take(seal(Signer::of(village.people[1]->key()), lie).value()).honest);
  CHECK(member.heard.empty());
  CHECK(member.circles().counts().refused == 3);
}

TEST_CASE("circle sync: questions and streams are bounded") {
  silence_log();
  Village village(5, 1);
  village.people.push_back(std::make_unique<Villager>(
      village.world, 2,
      CircleSyncOptions{
          .streams = {.all = 2, .per_peer = 1},
          .asks_max = 1,
          .wait_max = 5s,
          .rates = {.each = {.burst = 2, .interval = 1h}, .all = {.burst = 9, .interval = 1h}}}));
  village.connect(0, 1);
  auto& asked = *village.people[1];
  const Ask question{.circle = {}, .sealed_clock = Bytes(40, 1)};
  const auto status = [&] {
    return std::get<Receipt>(ask(village, 0, 1, question).value()).status;
  };
  CHECK(status() == Status::refused);
  CHECK(status() == Status::refused);
  CHECK(status() == Status::slow_down);
  CHECK(asked.sync().counts().throttled == 1);
  // Silent streams.
  const std::vector<std::string> protocols{std::string(k_circle_protocol_id)};
  std::vector<std::unique_ptr<rt::Stream>> streams;
  for (int i = 0; i < 3; ++i) {
    auto opened =
        village.world.run(village.people[0]->host().open_stream(asked.host().peer_id(), protocols));
    if (opened) {
      streams.push_back(std::move(opened->stream));
    }
  }
  village.world.run_for(1s);
  CHECK(asked.sync().streams().total() == 1);
  CHECK(asked.sync().streams().refused() == 2);
  village.world.run_for(10s);
  CHECK(asked.sync().streams().total() == 0);
  // Ours, under way.
  const auto stranger = peer(9);
  asked.sync().ask(stranger, CircleId{.bytes = {1}});
  asked.sync().ask(stranger, CircleId{.bytes = {2}});
  village.world.run_for(1s);
  CHECK(asked.sync().counts().asked == 0);  // nobody is there
}
