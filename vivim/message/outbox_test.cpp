#include "vivim/message/outbox.hpp"

#include <algorithm>
#include <map>

#include <doctest/doctest.h>

#include "vivim/message/inbox.hpp"
#include "vivim/message/members_test_detail.hpp"
#include "vivim/rt/sim/engine.hpp"

using namespace vivim;
using namespace vivim::message;
using namespace vivim::message::test;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t k_wall = 1'800'000'000'000;

Outgoing outgoing(std::uint64_t id, std::uint64_t to = 2, Priority priority = Priority::normal,
                  Delivery delivery = Delivery::at_least_once, std::size_t bytes = 10) {
  return {.id = message_id(id),
          .to = peer(to),
          .priority = priority,
          .delivery = delivery,
          .expires_ms = k_wall + static_cast<std::int64_t>(id),
          .envelope = Bytes(bytes)};
}

std::vector<MessageId> ids(const std::optional<Outbox::Batch>& batch) {
  std::vector<MessageId> out;
  if (batch) {
    for (const auto& each : batch->messages) {
      out.push_back(each.id);
    }
  }
  return out;
}

Bytes envelope(std::uint64_t from, std::uint64_t id, std::uint64_t to = 0,
               std::int64_t time_ms = k_wall) {
  const Message message{
      .id = message_id(id), .time_ms = time_ms, .lifetime = 1h, .from = peer(from), .to = peer(to)};
  return seal(Signer::of(key_pair(from)), message).value();
}

Status status_of(const Inbox::Judged& judged) {
  return judged.answer.value_or(Status::stored);
}

}  // namespace

TEST_CASE("priority queue: in order within one, shares between several, nothing starves") {
  PriorityQueue<int> queue;
  CHECK_FALSE(queue.pop());
  for (int i = 0; i < 60; ++i) {
    for (const auto priority :
         {Priority::low, Priority::normal, Priority::high, Priority::critical}) {
      queue.push(priority, static_cast<int>(priority) * 100 + i);
    }
  }
  std::map<int, int> turns;
  std::map<int, int> last;
  for (int i = 0; i < 30; ++i) {
    const int item = *queue.pop();
    CHECK(item % 100 == turns[item / 100]++);
  }
  CHECK(turns == std::map<int, int>{{0, 16}, {1, 8}, {2, 4}, {3, 2}});
  // Whoever fills critical again and again does not stop the others.
  int low = 0;
  for (int i = 0; i < 300; ++i) {
    queue.push(Priority::critical, 0);
    low += *queue.pop() >= 300 ? 1 : 0;
  }
  CHECK(low >= 18);
  // A priority that was empty has saved up nothing.
  PriorityQueue<int> late;
  for (int i = 0; i < 100; ++i) {
    late.push(Priority::low, 3);
  }
  for (int i = 0; i < 50; ++i) {
    CHECK(*late.pop() == 3);
  }
  for (int i = 0; i < 100; ++i) {
    late.push(Priority::critical, 0);
  }
  int critical = 0;
  for (int i = 0; i < 18; ++i) {
    critical += *late.pop() == 0 ? 1 : 0;
  }
  CHECK(critical >= 16);
}

TEST_CASE("outbox: a recipient that cannot be reached is tried later, and later again") {
  Outbox outbox;
  REQUIRE(outbox.add(outgoing(1), k_start));
  auto now = k_start;
  rt::Duration last{};
  for (int i = 0; i < 15; ++i) {
    REQUIRE(outbox.next_deadline() == now);
    CHECK(ids(outbox.next(now)) == std::vector{message_id(1)});
    CHECK_FALSE(outbox.next(now + 1h));  // it is being served
    CHECK_FALSE(outbox.next_deadline());
    outbox.end(peer(2), BatchEnd::failed, now, i % 2 == 0 ? 0 : ~std::uint64_t{0});
    const auto pause = *outbox.next_deadline() - now;
    CHECK(pause <= 10min);
    CHECK(pause >= 500ms);
    if (i % 2 == 0) {
      CHECK(pause >= last);
      last = pause;
    }
    CHECK_FALSE(outbox.next(*outbox.next_deadline() - 1ms));
    now = *outbox.next_deadline();
  }
  CHECK(last == 10min);
  REQUIRE(outbox.next(now));
  outbox.end(peer(2), BatchEnd::failed, now, 0);
  outbox.available(peer(2), now);
  CHECK(outbox.next_deadline() == now);
  CHECK(ids(outbox.next(now)) == std::vector{message_id(1)});
  CHECK(outbox.remove(peer(2), message_id(1))->id == message_id(1));
  CHECK_FALSE(outbox.remove(peer(2), message_id(1)));
  outbox.end(peer(2), BatchEnd::answered, now, 0);
  CHECK(outbox.size() == 0);
  CHECK(outbox.bytes() == 0);
  CHECK_FALSE(outbox.next_deadline());
}

TEST_CASE("outbox: one recipient does not wait for another") {
  Outbox outbox({.busy_max = 2});
  for (std::uint64_t to = 1; to <= 3; ++to) {
    REQUIRE(outbox.add(outgoing(to, to), k_start + std::chrono::seconds(to)));
  }
  const auto now = k_start + 1min;
  CHECK(outbox.next(now)->to == peer(1));
  CHECK(outbox.next(now)->to == peer(2));
  CHECK_FALSE(outbox.next(now));  // two at once
  outbox.end(peer(1), BatchEnd::failed, now, 0);
  CHECK(outbox.next(now)->to == peer(3));
}

TEST_CASE("outbox: best effort is tried once, what a mailbox has waits for its recipient") {
  Outbox outbox;
  REQUIRE(outbox.add(outgoing(1, 2, Priority::low, Delivery::best_effort), k_start));
  REQUIRE(outbox.add(outgoing(2, 2, Priority::low, Delivery::exactly_once), k_start));
  REQUIRE(outbox.add(outgoing(3, 2, Priority::critical), k_start));
  CHECK(ids(outbox.next(k_start)).size() == 3);
  outbox.end(peer(2), BatchEnd::failed, k_start, 0);
  CHECK(outbox.size() == 2);
  const auto keep = outbox.to_be_stored(peer(2), 10);
  REQUIRE(keep.size() == 2);
  CHECK(keep[0].id == message_id(3));
  CHECK(outbox.to_be_stored(peer(2), 1).size() == 1);
  CHECK(outbox.to_be_stored(peer(3), 1).empty());
  CHECK(outbox.stored(peer(2), message_id(2)));
  CHECK(outbox.stored(peer(2), message_id(3)));
  CHECK_FALSE(outbox.stored(peer(2), message_id(4)));
  CHECK_FALSE(outbox.stored(peer(3), message_id(4)));
  CHECK_FALSE(outbox.next(k_start + 1h));
  outbox.available(peer(2), k_start + 1h);
  outbox.available(peer(2), k_start + 1h);
  CHECK(ids(outbox.next(k_start + 1h)).size() == 2);
  outbox.available(peer(2), k_start + 1h);
  outbox.end(peer(2), BatchEnd::busy, k_start + 1h, 0);
  CHECK(ids(outbox.next(k_start + 2h)).size() == 2);
  CHECK(outbox.all().size() == 2);
}

TEST_CASE("outbox: batches, messages and bytes are bounded") {
  Outbox outbox({.messages_max = 5,
                 .bytes_max = 100,
                 .messages_per_recipient_max = 3,
                 .batch_messages_max = 2,
                 .batch_bytes_max = 25});
  CHECK(outbox.add(outgoing(9, 2, Priority::low, Delivery::best_effort, 101), k_start)
            .error()
            .is(MessageError::full));
  for (std::uint64_t id = 1; id <= 3; ++id) {
    REQUIRE(outbox.add(outgoing(id), k_start));
  }
  CHECK(outbox.add(outgoing(4), k_start).error().is(MessageError::full));
  REQUIRE(outbox.add(outgoing(4, 3, Priority::high, Delivery::at_least_once, 30), k_start));
  CHECK(outbox.add(outgoing(4, 3), k_start).error().is(MessageError::full));
  REQUIRE(outbox.add(outgoing(5, 3), k_start));
  CHECK(outbox.add(outgoing(6, 4), k_start).error().is(MessageError::full));
  std::map<PeerId, std::size_t> sizes;
  for (int i = 0; i < 2; ++i) {
    const auto batch = outbox.next(k_start);
    sizes[batch->to] = batch->messages.size();
  }
  CHECK(sizes == std::map<PeerId, std::size_t>{{peer(2), 2}, {peer(3), 1}});
}

TEST_CASE("outbox: receipts take no room from messages, and the oldest makes room for others") {
  Outbox outbox({.messages_max = 2, .bytes_max = 20, .receipts_max = 2});
  const auto receipt = [](std::uint64_t id, std::uint64_t to) {
    auto out = outgoing(id, to);
    out.kind = Kind::receipt;
    return out;
  };
  REQUIRE(outbox.add(receipt(2, 3), k_start));
  CHECK_FALSE(outbox.make_room_for_receipt());
  REQUIRE(outbox.add(receipt(1, 4), k_start));
  CHECK(outbox.add(receipt(3, 5), k_start).error().is(MessageError::full));
  CHECK(outbox.make_room_for_receipt()->id == message_id(1));
  REQUIRE(outbox.add(receipt(3, 5), k_start));
  CHECK(outbox.add(receipt(3, 5), k_start).error().is(MessageError::full));
  while (outbox.size() > 0) {
    (void)outbox.remove(peer(3), message_id(2));
    (void)outbox.remove(peer(5), message_id(3));
  }
  REQUIRE(outbox.add(receipt(4, 2), k_start));
  REQUIRE(outbox.add(receipt(5, 2), k_start));
  CHECK(outbox.add(outgoing(6), k_start).error().is(MessageError::full));  // by its bytes
  CHECK(outbox.remove(peer(2), message_id(4)));
  REQUIRE(outbox.add(outgoing(6), k_start));
  CHECK(outbox.add(outgoing(7), k_start).error().is(MessageError::full));
}

TEST_CASE("outbox: what nobody wants any more goes, also while it is being sent") {
  Outbox outbox;
  for (std::uint64_t id = 1; id <= 3; ++id) {
    REQUIRE(outbox.add(outgoing(id), k_start));
  }
  CHECK(outbox.expire(k_wall).empty());
  REQUIRE(outbox.next(k_start));
  CHECK(outbox.expire(k_wall + 2).size() == 2);
  CHECK(outbox.size() == 1);
  CHECK(outbox.expire(k_wall + 3).size() == 1);
  outbox.end(peer(2), BatchEnd::failed, k_start, 0);
  CHECK(outbox.bytes() == 0);
  CHECK_FALSE(outbox.next_deadline());
}

TEST_CASE("outbox: random lives end with everything acknowledged, and counts that agree") {
  for (std::uint64_t seed = 1; seed <= 100 / VIVIM_SEEDS_PART; ++seed) {
    CAPTURE(seed);
    rt::sim::Engine engine(seed);
    rt::Rng& rng = engine.rng();
    Outbox outbox({.batch_messages_max = 3});
    auto now = k_start;
    std::uint64_t next_id = 1;
    std::map<PeerId, std::vector<MessageId>> serving;
    for (int step = 0; step < 300 || outbox.size() > 0; ++step) {
      REQUIRE(step < 5000);
      const auto what = rng.below(step < 300 ? 6 : 3);
      now += std::chrono::seconds(rng.below(20));
      if (what == 0) {
        if (auto batch = outbox.next(now)) {
          serving[batch->to] = ids(batch);
        }
      } else if (what == 1 && !serving.empty()) {
        const auto lane = serving.begin();
        const auto how = static_cast<BatchEnd>(rng.below(3));
        for (const auto& id : lane->second) {
          if (how == BatchEnd::answered || rng.below(3) == 0) {
            (void)outbox.remove(lane->first, id);
          }
        }
        outbox.end(lane->first, how, now, rng.u64());
        serving.erase(lane);
      } else if (what == 2) {
        const auto to = peer(rng.below(3));
        for (const auto& each : outbox.to_be_stored(to, rng.below(3))) {
          CHECK(outbox.stored(to, each.id));
        }
        outbox.available(peer(rng.below(3)), now);
      } else if (what >= 3) {
        REQUIRE(outbox.add(outgoing(next_id++, rng.below(3), static_cast<Priority>(rng.below(4)),
                                    static_cast<Delivery>(rng.below(3))),
                           now));
      }
      CHECK(outbox.bytes() == 10 * outbox.size());
      CHECK(outbox.all().size() == outbox.size());
    }
  }
}

TEST_CASE("inbox: takes what is ours, new and of now") {
  Inbox inbox(peer(0));
  const Inbox::Now now{.monotonic = k_start, .wall_ms = k_wall};
  const auto judged = inbox.judge(envelope(1, 1), now);
  REQUIRE(judged.message);
  CHECK_FALSE(judged.answer);
  CHECK_FALSE(inbox.judge(envelope(1, 1), now).answer);  // not yet durable
  inbox.taken(*judged.message);
  CHECK(status_of(inbox.judge(envelope(1, 1), now)) == Status::arrived);
  CHECK(inbox.judge(envelope(1, 1), now).message);
  CHECK_FALSE(inbox.judge(envelope(2, 1), now).answer);
  CHECK(status_of(inbox.judge(envelope(1, 2, 3), now)) == Status::refused);
  CHECK(status_of(inbox.judge(envelope(0, 2, 0), now)) == Status::refused);
  CHECK(status_of(inbox.judge(Bytes{1}, now)) == Status::refused);
  CHECK(inbox.counts().known == 2);
  CHECK(inbox.counts().refused == 3);
}

TEST_CASE("inbox: what is not of now comes again, for our clock may be wrong") {
  Inbox inbox(peer(0));
  const auto status = [&](std::int64_t sent, std::int64_t now) {
    return status_of(inbox.judge(envelope(1, 1, 0, sent), {.monotonic = k_start, .wall_ms = now}));
  };
  constexpr std::int64_t k_minute = 60'000;
  CHECK(status(k_wall, k_wall - 10 * k_minute) == Status::slow_down);
  CHECK(status(k_wall, k_wall + 60 * k_minute) == Status::slow_down);
  CHECK(inbox.counts().untimely == 2);
  CHECK(status(k_wall, k_wall - 5 * k_minute) == Status::stored);
  CHECK(status(k_wall, k_wall) == Status::stored);
}

TEST_CASE("inbox: a sender is throttled, others are not, and what is remembered is bounded") {
  Inbox inbox(peer(0),
              {.rates = {.each = {.burst = 2, .interval = 1s}, .all = {.burst = 4, .interval = 1s}},
               .recent_max = 2});
  const auto judge = [&](std::uint64_t from, std::uint64_t id, rt::Duration after = 0s) {
    const auto judged =
        inbox.judge(envelope(from, id), {.monotonic = k_start + after, .wall_ms = k_wall});
    if (!judged.answer) {
      inbox.taken(*judged.message);
    }
    return status_of(judged);
  };
  CHECK(judge(1, 1) == Status::stored);
  CHECK(judge(1, 2) == Status::stored);
  CHECK(judge(1, 3) == Status::slow_down);
  CHECK(judge(1, 1) == Status::arrived);  // what is known costs nothing
  CHECK(judge(2, 1) == Status::stored);
  CHECK(judge(3, 1) == Status::stored);
  CHECK(judge(4, 1) == Status::slow_down);   // all together
  CHECK(judge(1, 1, 2s) == Status::stored);  // forgotten: two others came
  CHECK(inbox.counts().throttled == 2);
}
