#include "vivim/libp2p/host/connection_manager.hpp"

#include <algorithm>
#include <random>

#include <doctest/doctest.h>

#include "vivim/libp2p/host/parts_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::test;
using namespace std::chrono_literals;
using multiformats::PeerId;

namespace {

using Ids = std::vector<ConnectionManager::ConnectionId>;

std::size_t no_streams(ConnectionManager::ConnectionId /*id*/) {
  return 0;
}

/// `count` connections, one a peer, a second apart.
void connect(ConnectionManager& manager, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    manager.connected(i, peer(i), Direction::inbound, k_start + std::chrono::seconds(i));
  }
}

}  // namespace

TEST_CASE(
    "connection manager: nothing is closed at the high water mark, above it down to the low") {
  ConnectionManager manager({.low_water = 3, .high_water = 5, .grace = 0s});
  connect(manager, 5);
  CHECK(manager.trim(k_start + 1min, no_streams).empty());
  manager.connected(9, peer(9), Direction::inbound, k_start);
  CHECK(manager.above_high_water());
  CHECK(manager.crossed_high_water());
  CHECK(manager.trim(k_start + 1min, no_streams).size() == 3);
  for (const auto id : manager.trim(k_start + 1min, no_streams)) {
    manager.disconnected(id);
  }
  CHECK(manager.connections() == 3);
  CHECK(manager.trim(k_start + 1min, no_streams).empty());
}

TEST_CASE("connection manager: least value first, then idle, inbound, oldest") {
  ConnectionManager manager({.low_water = 0, .high_water = 1, .grace = 0s});
  connect(manager, 4);
  manager.connected(10, peer(10), Direction::outbound, k_start);
  CHECK(manager.tag(peer(0), "useful", 5));
  CHECK(manager.tag(peer(0), "friend", 7));
  CHECK(manager.tag(peer(2), "tiresome", -1));
  CHECK(manager.value(peer(0)) == 12);
  const auto streams = [](ConnectionManager::ConnectionId id) { return id == 1 ? 1UL : 0UL; };
  CHECK(manager.trim(k_start + 1min, streams) == Ids{2, 3, 10, 1, 0});
  manager.untag(peer(0), "friend");
  manager.untag(peer(0), "useful");
  CHECK(manager.value(peer(0)) == 0);
  CHECK(manager.trim(k_start + 1min, streams) == Ids{2, 0, 3, 10, 1});
}

TEST_CASE("connection manager: protected and young ones stay") {
  ConnectionManager manager({.low_water = 0, .high_water = 1, .grace = 10s});
  connect(manager, 4);  // 0 to 3 seconds after the start
  CHECK(manager.protect(peer(0), "sync"));
  CHECK(manager.protect(peer(0), "chat"));
  CHECK(manager.trim(k_start + 12s, no_streams) == Ids{1, 2});
  manager.unprotect(peer(0), "sync");
  CHECK(manager.is_protected(peer(0)));
  manager.unprotect(peer(0), "chat");
  CHECK(!manager.is_protected(peer(0)));
  CHECK(manager.trim(k_start + 12s, no_streams) == Ids{0, 1, 2});
  CHECK(manager.trim(k_start + 5s, no_streams).empty());
}

TEST_CASE("connection manager: limits on tags and on peers with tags") {
  ConnectionManager manager;
  for (std::size_t i = 0; i < k_peer_tags_max; ++i) {
    CHECK(manager.tag(peer(1), std::to_string(i), 1));
    CHECK(manager.protect(peer(1), std::to_string(i)));
  }
  CHECK(!manager.tag(peer(1), "one more", 1));
  CHECK(manager.tag(peer(1), "0", 2));
  CHECK(!manager.protect(peer(1), "one more"));
  for (std::uint32_t i = 2; i < k_tagged_peers_max + 10; ++i) {
    CHECK(manager.tag(peer(i), "t", static_cast<int>(i)));
  }
  CHECK(manager.value(peer(2)) == 0);  // the least valuable made room
  CHECK(manager.is_protected(peer(1)));
}

TEST_CASE("connection manager property: what is closed was closable, and no more than needed") {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    const std::size_t low = random() % 10;
    const std::size_t high = low + random() % 10;
    ConnectionManager manager({.low_water = low, .high_water = high, .grace = 20s});
    std::map<std::uint64_t, std::pair<std::uint32_t, rt::TimePoint>> open;
    for (std::uint64_t id = 0, count = random() % 40; id < count; ++id) {
      const auto who = static_cast<std::uint32_t>(random() % 12);
      const auto since = k_start + std::chrono::seconds(random() % 60);
      manager.connected(id, peer(who), Direction::outbound, since);
      open.emplace(id, std::pair(who, since));
      if (random() % 4 == 0) {
        manager.protect(peer(who), "x");
      }
      manager.tag(peer(who), "v", static_cast<int>(random() % 5));
    }
    const auto now = k_start + 60s;
    const auto chosen = manager.trim(now, no_streams);
    std::int64_t worth = -1;
    for (const auto id : chosen) {
      const auto& [who, since] = open.at(id);
      CHECK(!manager.is_protected(peer(who)));
      CHECK(now - since >= 20s);
      CHECK(manager.value(peer(who)) >= worth);
      worth = manager.value(peer(who));
    }
    CHECK((open.size() > high || chosen.empty()));
    CHECK((chosen.empty() || open.size() - chosen.size() >= low));
  }
}
