// The tables of a router, each beside a simple one.
#include <map>

#include <doctest/doctest.h>

#include "vivim/libp2p/gossipsub/message_cache.hpp"
#include "vivim/libp2p/gossipsub/outbound_queue.hpp"
#include "vivim/libp2p/gossipsub/seen_cache.hpp"
#include "vivim/rt/sim/engine.hpp"

using namespace vivim;
using namespace vivim::libp2p::gossipsub;
using namespace std::chrono_literals;

namespace {

MessageKey key(std::uint64_t number) {
  return {.high = 1, .low = number};
}

MessagePtr message(std::uint64_t number, std::size_t bytes = 10) {
  const Bytes data(bytes, 7);
  return Message::make({.data = data, .topic = "t"}, as_bytes("id"), key(number));
}

}  // namespace

TEST_CASE("key table: as a map, through every kind of collision") {
  rt::sim::SeededRng rng(3);
  KeyTable<int> table;
  std::map<MessageKey, int> model;
  for (int step = 0; step < 20000; ++step) {
    // Few homes: long runs, that wrap around.
    const MessageKey some{.high = 1 + rng.below(40), .low = rng.below(6) * 0x10001};
    if (rng.below(3) == 0) {
      CHECK(table.erase(some) == (model.erase(some) == 1));
    } else {
      *table.insert(some).first = step;
      model[some] = step;
    }
    CHECK(table.size() == model.size());
    const MessageKey other{.high = 1 + rng.below(40), .low = rng.below(6) * 0x10001};
    const int* found = table.find(other);
    const auto expected = model.find(other);
    REQUIRE((found != nullptr) == (expected != model.end()));
    CHECK((found == nullptr || *found == expected->second));
  }
  table.clear();
  CHECK(table.bytes() == 0);
}

TEST_CASE("turning counts: remembered for one to two turns") {
  TurningCounts counts;
  CHECK(counts.add(key(1)) == 0);
  CHECK(counts.add(key(1)) == 1);
  counts.turn();
  CHECK(counts.get(key(1)) == 2);
  counts.turn();
  CHECK(counts.get(key(1)) == 0);
  CHECK(counts.empty());
}

TEST_CASE("seen: forgotten after its time, the oldest first when there are too many") {
  SeenCache seen(120s, 100);
  const rt::TimePoint start{1h};
  seen.add(key(1), Fate::accepted, start);
  seen.add(key(2), Fate::rejected, start + 60s);
  seen.expire(start + 119s);
  CHECK(seen.find(key(1))->fate == Fate::accepted);
  seen.expire(start + 121s);
  CHECK_FALSE(seen.contains(key(1)));
  CHECK(seen.contains(key(2)));
  for (std::uint64_t i = 0; i < 200; ++i) {
    seen.add(key(10 + i), Fate::waiting, start + 130s);
  }
  CHECK(seen.size() == 100);
  CHECK(seen.contains(key(209)));
  CHECK_FALSE(seen.contains(key(109)));
  seen.expire(start + 1h);
  CHECK(seen.size() == 0);
}

TEST_CASE("message cache: windows, gossip windows and bytes") {
  MessageCache cache(5, 3, 1 << 20);
  cache.put(message(1));
  cache.put(message(1));
  CHECK(cache.size() == 1);
  const auto recent = [&cache] {
    std::size_t count = 0;
    cache.each_recent([&count](const MessagePtr&) { ++count; });
    return count;
  };
  for (int i = 0; i < 2; ++i) {
    cache.shift();
    CHECK(recent() == 1);
  }
  cache.shift();
  CHECK(recent() == 0);
  CHECK(cache.find(key(1)));
  cache.shift();
  cache.put(message(2));
  CHECK(recent() == 1);
  cache.shift();
  CHECK_FALSE(cache.find(key(1)));
  CHECK(cache.find(key(2)));
  MessageCache small(5, 3, 4000);
  for (std::uint64_t i = 0; i < 20; ++i) {
    small.put(message(i + 1, 1000));
    CHECK(small.bytes() <= 4000);
  }
  CHECK(small.find(key(20)));
  CHECK_FALSE(small.find(key(1)));
  small.put(message(99, 10000));
  CHECK(small.size() == 1);
}

TEST_CASE("outbound queue: order of lanes, bytes, and what nobody wants any more") {
  OutboundQueue queue({.control_bytes_max = 100, .own_bytes_max = 100, .forward_bytes_max = 100});
  const auto frame = std::make_shared<const Bytes>(Bytes(60, 1));
  CHECK(queue.push(Lane::forward, message(1, 40)));
  CHECK(queue.push(Lane::forward, message(2, 20)));
  CHECK_FALSE(queue.push(Lane::forward, message(3, 40)));
  CHECK(queue.push(Lane::own, message(4, 500)));
  CHECK_FALSE(queue.push(Lane::own, message(5, 1)));
  CHECK(queue.push(Lane::control, frame));
  CHECK_FALSE(queue.push(Lane::control, frame));
  TurningCounts unwanted;
  unwanted.add(key(2));
  Bytes out;
  CHECK(queue.take(out, 1, unwanted));
  CHECK(out == *frame);
  out.clear();
  CHECK(queue.take(out, 1, unwanted));
  CHECK(out.size() > 500);
  out.clear();
  CHECK_FALSE(queue.take(out, 10000, unwanted));
  CHECK(out == to_bytes(message(1, 40)->frame()));
  CHECK(queue.empty());
}
