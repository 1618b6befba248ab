#include "vivim/message/causal_buffer.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <doctest/doctest.h>

#include "vivim/message/members_test_detail.hpp"
#include "vivim/rt/sim/engine.hpp"

using namespace vivim;
using namespace vivim::message;
using namespace vivim::message::test;
using namespace std::chrono_literals;

namespace {

Message message_of(std::uint64_t sender, VectorClock clock, std::size_t payload_bytes = 1) {
  return {.from = peer(sender),
          .to = std::string("/vivim/circles/test"),
          .clock = std::move(clock),
          .payload = Bytes(payload_bytes)};
}

std::vector<Order> orders(const std::vector<Ordered>& all) {
  std::vector<Order> out;
  for (const auto& each : all) {
    out.push_back(each.order);
  }
  return out;
}

/// A circle whose members talk at random over a network that delays, and with `loses`, loses.
class TalkingCircle {
 public:
  TalkingCircle(std::uint64_t seed, std::size_t members, bool loses)
      : engine_(seed),
        rng_(engine_.rng()),
        ids_(peers(members)),
        loses_(loses),
        members_(members) {}

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      now_ += 1s;
      if (rng_.below(2) == 0) {
        speak();
      }
      for (std::uint64_t i = rng_.below(2 * ids_.size()); i > 0 && !flying_.empty(); --i) {
        arrive(rng_.below(flying_.size()));
      }
      on_deadline();
    }
    while (!flying_.empty()) {
      arrive(rng_.below(flying_.size()));
    }
    now_ += 1h;
    on_deadline();
  }

  void check() {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      CHECK(members_[i].buffer.waiting() == 0);
      CHECK(members_[i].delivered == members_[i].expected);
    }
    if (!loses_) {
      CHECK(counts_[Order::gap] + counts_[Order::late] == 0);
    }
  }
  std::uint64_t count(Order order) { return counts_[order]; }

 private:
  struct Member {
    CausalBuffer buffer{{.wait_max = 20s}};
    std::set<std::pair<PeerId, std::uint64_t>> delivered;
    std::set<std::pair<PeerId, std::uint64_t>> expected;
    VectorClock known;  ///< of all that was delivered
  };

  void speak() {
    const std::size_t speaker = rng_.below(ids_.size());
    auto& self = members_[speaker];
    Message message{.from = ids_[speaker],
                    .to = std::string("/vivim/circles/test"),
                    .clock = self.buffer.stamp(ids_[speaker]).value(),
                    .payload = {}};
    REQUIRE(self.known.increment(ids_[speaker]));
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      if (i == speaker || (loses_ && rng_.below(10) == 0)) {
        continue;
      }
      members_[i].expected.emplace(message.from, message.clock.at(message.from));
      flying_.emplace_back(i, message);
    }
  }

  void arrive(std::uint64_t index) {
    const auto [to, message] = std::move(flying_[index]);
    flying_.erase(flying_.begin() + static_cast<std::ptrdiff_t>(index));
    take(members_[to], members_[to].buffer.add(message, now_));
  }

  void on_deadline() {
    for (auto& member : members_) {
      const auto due = member.buffer.next_deadline();
      const auto out = member.buffer.on_deadline(now_);
      CHECK(out.empty() == !(due && *due <= now_));
      take(member, out);
    }
  }

  /// What comes in causal order comes after all that its sender had seen.
  void take(Member& member, const std::vector<Ordered>& all) {
    for (const auto& [message, order] : all) {
      const auto number = message.clock.at(message.from);
      ++counts_[order];
      CHECK(member.delivered.emplace(message.from, number).second);
      if (order == Order::causal) {
        auto needed = message.clock;
        REQUIRE(member.known.raise(message.from, number));
        CHECK(needed.within(member.known));
      }
      REQUIRE(member.known.merge(message.clock));
    }
  }

  rt::sim::Engine engine_;
  rt::Rng& rng_;
  std::vector<PeerId> ids_;
  bool loses_;
  std::vector<Member> members_;
  std::vector<std::pair<std::size_t, Message>> flying_;
  std::map<Order, std::uint64_t> counts_;
  rt::TimePoint now_ = k_start;
};

}  // namespace

TEST_CASE("causal buffer: an answer waits for the question") {
  CausalBuffer carol;
  const auto question = message_of(0, clock_of({{0, 1}}));
  const auto answer = message_of(1, clock_of({{0, 1}, {1, 1}}));
  CHECK(carol.add(answer, k_start).empty());
  CHECK(carol.waiting() == 1);
  const auto out = carol.add(question, k_start);
  REQUIRE(out.size() == 2);
  CHECK(out[0].message == question);
  CHECK(out[1].message == answer);
  CHECK(orders(out) == std::vector{Order::causal, Order::causal});
  CHECK_FALSE(carol.next_deadline());
  CHECK(carol.stamp(peer(2)).value() == clock_of({{0, 1}, {1, 1}, {2, 1}}));
  CHECK(orders(carol.add(message_of(0, {}), k_start)) == std::vector{Order::none});
}

TEST_CASE("causal buffer: what is missing is not waited for longer than allowed") {
  CausalBuffer buffer({.wait_max = 5s});
  CHECK(buffer.add(message_of(0, clock_of({{0, 3}})), k_start).empty());
  CHECK(buffer.add(message_of(0, clock_of({{0, 2}})), k_start + 1s).empty());
  CHECK(buffer.next_deadline() == k_start + 5s);
  CHECK(buffer.on_deadline(k_start + 4s).empty());
  const auto out = buffer.on_deadline(k_start + 5s);
  REQUIRE(out.size() == 2);
  CHECK(out[0].message.clock.at(peer(0)) == 2);
  CHECK(orders(out) == std::vector{Order::gap, Order::causal});
  CHECK(orders(buffer.add(message_of(0, clock_of({{0, 1}})), k_start + 6s)) ==
        std::vector{Order::late});
  CHECK(orders(buffer.add(message_of(0, clock_of({{0, 4}})), k_start + 6s)) ==
        std::vector{Order::causal});
}

TEST_CASE("causal buffer: what waits is bounded, in messages, bytes and members") {
  CausalBuffer few({.messages_max = 2});
  CHECK(few.add(message_of(0, clock_of({{0, 2}})), k_start).empty());
  CHECK(few.add(message_of(1, clock_of({{1, 2}})), k_start).empty());
  CHECK(orders(few.add(message_of(2, clock_of({{2, 2}})), k_start)) == std::vector{Order::gap});
  CHECK(few.waiting() == 2);
  CausalBuffer small({.payload_bytes_max = 100});
  CHECK(small.add(message_of(0, clock_of({{0, 2}}), 60), k_start).empty());
  CHECK(orders(small.add(message_of(1, clock_of({{1, 2}}), 60), k_start)) ==
        std::vector{Order::gap});
  VectorClock all;
  for (std::uint64_t i = 0; i < k_clock_entries_max; ++i) {
    REQUIRE(all.increment(peer(i)));
  }
  CausalBuffer crowded({}, all);
  CHECK(orders(crowded.add(message_of(500, clock_of({{500, 9}})), k_start)) ==
        std::vector{Order::gap});
  CHECK(orders(crowded.add(message_of(0, clock_of({{0, 2}})), k_start)) ==
        std::vector{Order::causal});
  CHECK(crowded.stamp(peer(500)).error().is(MessageError::clock_full));
}

TEST_CASE("causal buffer: what a message says of others does not count as theirs") {
  CausalBuffer buffer({.wait_max = 5s});
  CHECK(buffer.add(message_of(0, clock_of({{0, 1}, {1, 2}})), k_start).empty());
  CHECK(orders(buffer.on_deadline(k_start + 5s)) == std::vector{Order::gap});
  CHECK(buffer.seen() == clock_of({{0, 1}}));
  // But the same is not waited for again.
  CHECK(orders(buffer.add(message_of(0, clock_of({{0, 2}, {1, 2}})), k_start)) ==
        std::vector{Order::causal});
  CHECK(orders(buffer.add(message_of(1, clock_of({{1, 1}})), k_start)) ==
        std::vector{Order::causal});
  CHECK(orders(buffer.add(message_of(1, clock_of({{1, 2}})), k_start)) ==
        std::vector{Order::causal});
}

TEST_CASE("hostile: a clock that counts for others mutes nobody, and is forgotten when full") {
  CausalBuffer buffer({.wait_max = 5s});
  for (std::uint64_t member = 0; member < 3; ++member) {
    VectorClock invented;
    REQUIRE(invented.raise(peer(member), 1));
    REQUIRE(invented.raise(peer(9), k_clock_count_max));
    for (std::uint64_t i = 0; invented.size() < k_clock_entries_max; ++i) {
      REQUIRE(invented.raise(peer(1'000 * (member + 1) + i), k_clock_count_max));
    }
    CHECK(buffer.add(message_of(member, invented), k_start).empty());
    CHECK(orders(buffer.on_deadline(k_start + 5s)) == std::vector{Order::gap});
  }
  CHECK(buffer.seen().size() == 3);
  CHECK(orders(buffer.add(message_of(9, clock_of({{9, 1}})), k_start)) ==
        std::vector{Order::causal});
  CHECK(buffer.stamp(peer(9)).value().at(peer(9)) == 2);
}

TEST_CASE("causal buffer: circles that talk at random hear everything once, in causal order") {
  std::uint64_t causal = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    // Without loss and with all the time in the world, nothing comes out of order.
    TalkingCircle circle(seed, 2 + seed % 5, false);
    circle.run(8);
    circle.check();
    causal += circle.count(Order::causal);
  }
  CHECK(causal > 500);
}

TEST_CASE("causal buffer: circles that lose messages hear all that arrives, once") {
  std::uint64_t gaps = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    TalkingCircle circle(seed, 2 + seed % 5, true);
    circle.run(60);
    circle.check();
    gaps += circle.count(Order::gap);
  }
  CHECK(gaps > 50);
}
