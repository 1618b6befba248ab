#include "vivim/libp2p/kad/query.hpp"

#include <set>

#include <doctest/doctest.h>

#include "vivim/libp2p/kad/answer_times.hpp"
#include "vivim/libp2p/kad/kad_test_detail.hpp"
#include "vivim/libp2p/kad/network_size.hpp"
#include "vivim/libp2p/kad/network_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p::kad;
using namespace vivim::libp2p::kad::test;
using namespace std::chrono_literals;

namespace {

Key target_of(std::uint64_t number) {
  return Key::of(as_bytes("target " + std::to_string(number)));
}

/// Groups do not matter where every node has one of its own.
std::vector<Contact> contacts(std::uint64_t first, std::size_t count) {
  std::vector<Contact> all;
  for (std::uint64_t number = first; number < first + count; ++number) {
    all.push_back(contact(number));
  }
  return all;
}

}  // namespace

TEST_CASE("query: finds the nearest of a thousand nodes, on one path and on three") {
  Network network(800);
  std::size_t hops = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const Key target = target_of(i);
    auto& from = network.node(i * 7);
    for (const std::size_t paths : {1U, 3U}) {
      Query query(target, from.contact.peer, network.seeds(from, target), {.paths = paths});
      network.run(query);
      CHECK(query.end(k_start) == QueryEnd::complete);
      auto nearest = network.nearest(target, k_replication + 1);
      std::erase(nearest, from.contact.peer);
      nearest.erase(nearest.begin() + k_replication, nearest.end());
      CHECK(peers_of(query.closest()) == nearest);
      CHECK(query.asked() < 80);
      CHECK(query.hops() <= 4);
      hops += query.hops();
    }
  }
  CHECK(hops <= 80 * 2);  // two at the mean
}

TEST_CASE("query: no node is asked twice, and never more at once than allowed") {
  Network network(400);
  auto& from = network.node(0);
  const Key target = target_of(1);
  Query query(target, from.contact.peer, network.seeds(from, target), {.concurrency = 6});
  std::set<PeerId> asked;
  std::vector<PeerId> waiting;
  while (const auto next = query.next(k_start)) {
    CHECK(asked.insert(next->peer).second);
    waiting.push_back(next->peer);
  }
  CHECK(waiting.size() == 6);
  CHECK(query.failed(waiting[0]));
  CHECK_FALSE(query.failed(waiting[0]));
  query.answered(waiting[0], {}, {});  // too late
  query.answered(peer(999'999), contacts(5000, 5), {});
  CHECK(query.answers() == 0);
  CHECK(query.next(k_start).has_value());
}

TEST_CASE("query: those who are practically the nearest are asked at once, up to twenty of them") {
  const Key target = target_of(2);
  const auto many = contacts(1, 200);
  QueryOptions options{.concurrency = 6, .near = Distance::of_fraction(1)};
  Query all_near(target, peer(0), many, options);
  std::size_t asked = 0;
  while (all_near.next(k_start)) {
    ++asked;
  }
  CHECK(asked == k_replication);
  // Only three are near: these do not take the place of others.
  std::vector<Distance> distances;
  for (const Contact& each : many) {
    distances.push_back(Key::of(each.peer).distance(target));
  }
  std::ranges::sort(distances);
  options.near = distances[3];
  Query few_near(target, peer(0), many, options);
  std::vector<PeerId> first;
  while (const auto next = few_near.next(k_start)) {
    first.push_back(next->peer);
  }
  REQUIRE(first.size() == 6);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(Key::of(first[i]).distance(target) == distances[i]);
  }
  few_near.answered(first[0], {}, {});
  CHECK(few_near.hops_of(first[0]) == 0);
}

TEST_CASE("answer times: patience follows what others take, within bounds") {
  AnswerTimes times;
  CHECK(times.patience(2500ms) == 2500ms);  // nobody has answered yet
  for (int i = 0; i < 100; ++i) {
    times.add(i % 2 == 0 ? 110ms : 320ms);
  }
  CHECK(times.patience(2500ms) > 400ms);
  CHECK(times.patience(2500ms) < 900ms);
  for (int i = 0; i < 100; ++i) {
    times.add(1ms);
  }
  CHECK(times.patience(2500ms) == 400ms);
  CHECK(times.patience(100ms) == 100ms);
  for (int i = 0; i < 100; ++i) {
    times.add(5s);
  }
  CHECK(times.patience(2500ms) == 2500ms);
}

TEST_CASE("query: those who do not answer are replaced by the next nearest") {
  Network network(300);
  const Key target = target_of(3);
  const auto nearest = network.nearest(target, 60);
  for (std::size_t i = 0; i < 60; i += 2) {
    network.kill(nearest[i]);
  }
  auto& from = network.node(1);
  Query query(target, from.contact.peer, network.seeds(from, target));
  network.run(query);
  CHECK(query.end(k_start) == QueryEnd::complete);
  const auto closest = peers_of(query.closest());
  REQUIRE(closest.size() > k_replication / 2);  // as many as those alive still tell of
  CHECK(closest[0] == nearest[1]);
  CHECK(closest[1] == nearest[3]);
}

TEST_CASE("query: who is slow is not waited for, but may still answer") {
  Query query(target_of(1), peer(0), contacts(1, 2), {.paths = 1, .slow = 2s});
  const auto first = query.next(k_start);
  const auto second = query.next(k_start);
  REQUIRE(second);
  CHECK_FALSE(query.next(k_start));
  CHECK(query.next_deadline(k_start) == k_start + 2s);
  CHECK_FALSE(query.next_deadline(k_start + 2s));
  query.answered(first->peer, {}, {});
  CHECK(query.end(k_start) == QueryEnd::running);
  CHECK(query.end(k_start + 2s) == QueryEnd::complete);
  query.answered(second->peer, contacts(10, 1), {});
  CHECK(query.end(k_start + 2s) == QueryEnd::running);  // it brought somebody new
  CHECK(query.next(k_start + 2s)->peer == peer(10));
  CHECK(query.closest().size() == 2);
}

TEST_CASE("query: how it ended is said") {
  CHECK(Query(target_of(1), peer(0), {}).end(k_start) == QueryEnd::exhausted);
  Query dead(target_of(1), peer(0), contacts(1, 3));
  while (const auto next = dead.next(k_start)) {
    dead.failed(next->peer);
  }
  CHECK(dead.end(k_start) == QueryEnd::exhausted);
  Query early(target_of(1), peer(0), contacts(1, 30));
  const auto asked = early.next(k_start);
  early.answered(asked->peer, {}, {});
  early.stop();
  CHECK(early.end(k_start) == QueryEnd::stopped);
  CHECK_FALSE(early.next(k_start));
  CHECK(early.closest().size() == 1);
  CHECK(to_string(early.end(k_start)) == "stopped");
  Query small(target_of(1), peer(0), contacts(0, 4));  // we are one of them
  while (const auto next = small.next(k_start)) {
    small.answered(next->peer, contacts(0, 4), {});
  }
  CHECK(small.end(k_start) == QueryEnd::complete);
  CHECK(small.closest().size() == 3);
}

TEST_CASE("query: disjoint paths share no node, and what one is told stays on it") {
  const auto seeds = contacts(1, 3);
  Query query(target_of(1), peer(0), seeds, {.paths = 3});
  CHECK(query.paths() == 3);
  std::vector<PeerId> first;
  while (const auto next = query.next(k_start)) {
    first.push_back(next->peer);
  }
  REQUIRE(first.size() == 3);
  // One path is told of a hundred near ones that do not exist; the others end by themselves.
  query.answered(first[0], contacts(1000, 100), {});
  query.answered(first[1], contacts(2000, 3), {});
  query.answered(first[2], contacts(3000, 3), {});
  std::size_t of_others = 0;
  for (int i = 0; i < 12; ++i) {
    const auto next = query.next(k_start);
    if (!next) {
      break;
    }
    const bool liars = std::ranges::count(peers_of(contacts(1000, 100)), next->peer) != 0;
    of_others += liars ? 0 : 1;
    query.failed(next->peer);
  }
  CHECK(of_others == 6);
  CHECK(Query(target_of(1), peer(0), contacts(1, 2), {.paths = 8}).paths() == 2);
}

TEST_CASE("query: what one path says of where a node is does not hide what another says") {
  const auto seeds = contacts(1, 3);
  const PeerId wanted = peer(50);
  const Contact lie{.peer = wanted, .addresses = {address("8.8.1.1")}};
  const Contact truth{.peer = wanted, .addresses = {address("9.9.9.9")}};
  const auto begin = [&](Query& query) {
    std::vector<PeerId> first;
    while (const auto next = query.next(k_start)) {
      first.push_back(next->peer);
    }
    REQUIRE(first.size() == 3);
    return first;
  };
  const auto says = [](const std::optional<Contact>& next, const Contact& told) {
    return next && next->peer == told.peer &&
           std::ranges::find(next->addresses, told.addresses[0]) != next->addresses.end();
  };
  // Both have told before it is asked.
  Query both(target_of(1), peer(0), seeds, {.paths = 3});
  auto first = begin(both);
  both.answered(first[0], {lie}, {});
  both.answered(first[1], {truth}, {});
  CHECK(says(both.next(k_start), truth));
  // The truth comes after the lie has failed, or while it is being tried in vain.
  Query failed(target_of(1), peer(0), seeds, {.paths = 3});
  first = begin(failed);
  failed.answered(first[0], {lie}, {});
  CHECK(says(failed.next(k_start), lie));
  failed.failed(wanted);
  failed.answered(first[1], {truth}, {});
  CHECK(says(failed.next(k_start), truth));
  failed.failed(wanted);
  failed.answered(first[2], {lie}, {});  // nothing new
  CHECK_FALSE(failed.next(k_start));
  CHECK(failed.end(k_start) == QueryEnd::complete);
  Query slow(target_of(1), peer(0), seeds, {.paths = 3, .slow = 2s});
  first = begin(slow);
  slow.answered(first[0], {lie}, {});
  CHECK(says(slow.next(k_start), lie));
  slow.answered(first[1], {truth}, {});
  slow.answered(first[2], {}, {});
  CHECK_FALSE(slow.next(k_start));  // it may still answer
  CHECK(says(slow.next(k_start + 2s), truth));
  slow.failed(wanted);  // the first of the two
  CHECK(slow.end(k_start + 2s) == QueryEnd::running);
  slow.answered(wanted, {}, {});
  CHECK(slow.end(k_start + 2s) == QueryEnd::complete);
  CHECK(std::ranges::count(peers_of(slow.closest()), wanted) == 1);
}

TEST_CASE("query: a liar's addresses, all of one group, do not keep the nearest from being asked") {
  const auto seeds = contacts(1, 3);
  const auto nearest = contacts(100, 20);
  auto crowd = nearest;
  for (Contact& each : crowd) {
    each.addresses = {address("8.8.1.1")};
  }
  Query query(target_of(1), peer(0), seeds, {.paths = 3});
  std::vector<PeerId> first;
  while (const auto next = query.next(k_start)) {
    first.push_back(next->peer);
  }
  REQUIRE(first.size() == 3);
  query.answered(first[0], crowd, {});
  query.answered(first[1], nearest, {});
  query.answered(first[2], {}, {});
  std::size_t asked = 0;
  while (const auto next = query.next(k_start)) {
    ++asked;
    query.answered(next->peer, {}, groups_of(next->addresses));
  }
  CHECK(asked >= k_replication - 3);
  CHECK(query.end(k_start) == QueryEnd::complete);
}

TEST_CASE("query: one path's inventions leave room for what another is told") {
  const auto seeds = contacts(1, 2);
  Query query(target_of(1), peer(0), seeds,
              {.paths = 2, .candidates_max = 60, .per_answer_max = 1000});
  const auto first = query.next(k_start);
  const auto second = query.next(k_start);
  REQUIRE(second);
  query.answered(first->peer, contacts(1000, 500), {});
  query.answered(second->peer, contacts(5000, 1), {});
  bool found = false;
  while (const auto next = query.next(k_start)) {
    found = found || next->peer == peer(5000);
    query.failed(next->peer);
  }
  CHECK(found);
  CHECK(query.asked() <= 60);
}

TEST_CASE("query: of one group of addresses few are asked, and few are a result") {
  std::vector<Contact> crowd;
  for (std::uint64_t number = 1; number <= 40; ++number) {
    crowd.push_back(
        {.peer = peer(number), .addresses = {address("8.8.1." + std::to_string(number))}});
  }
  Query query(target_of(1), peer(0), crowd, {.paths = 1});
  std::size_t asked = 0;
  while (const auto next = query.next(k_start)) {
    ++asked;
    query.answered(next->peer, crowd, groups_of(next->addresses));
  }
  CHECK(asked == 2);
  CHECK(query.closest().size() == 2);
  Query plain(target_of(1), peer(0), crowd, {.paths = 1, .per_group_max = 0});
  while (const auto next = plain.next(k_start)) {
    plain.answered(next->peer, crowd, groups_of(next->addresses));
  }
  CHECK(plain.closest().size() == k_replication);
  // What counts is where they answer from, not what is said of them.
  Query lied(target_of(1), peer(0), contacts(1, 10), {.paths = 1});
  while (const auto next = lied.next(k_start)) {
    lied.answered(next->peer, {}, {Group{0x0808}});
  }
  CHECK(lied.closest().size() == 2);
  CHECK(lied.closest_keys().size() == 10);
}

TEST_CASE("query: candidates are bounded, of one answer and of all") {
  Query query(target_of(1), peer(0), contacts(1, 1), {.candidates_max = 50, .per_answer_max = 10});
  for (int i = 0; i < 200; ++i) {
    const auto next = query.next(k_start);
    if (!next) {
      break;
    }
    query.answered(next->peer, contacts(1000 + (static_cast<std::uint64_t>(i) * 100), 100), {});
  }
  CHECK(query.asked() <= 50);
  CHECK(query.end(k_start) == QueryEnd::complete);
}

TEST_CASE("network size: a median of lookups, that a few crowded places do not move") {
  for (const std::size_t count : {15U, 300U, 800U}) {
    Network network(count);
    NetworkSize size;
    auto& from = network.node(0);
    CHECK_FALSE(size.estimate(k_start));
    for (std::uint64_t i = 0; i < 24; ++i) {
      const Key target = target_of(i);
      Query query(target, from.contact.peer, network.seeds(from, target));
      network.run(query);
      size.add(target, query.closest_keys(), k_replication, k_start);
    }
    const double honest = size.estimate(k_start).value();
    CHECK(honest > 0.75 * static_cast<double>(count));
    CHECK(honest < 1.35 * static_cast<double>(count));
    for (std::uint64_t i = 0; i < 5; ++i) {  // as if there were a million
      std::vector<Key> crowd(20, target_of(i).flipped(17));
      size.add(target_of(i), crowd, k_replication, k_start);
    }
    CHECK(size.estimate(k_start).value() < 1.5 * static_cast<double>(count) + 10);
    CHECK_FALSE(size.estimate(k_start + 3h));
    size.add(target_of(1), {}, k_replication, k_start);
  }
}

TEST_CASE("network size: how far the nearest reach is the inverse of how likely they are") {
  for (const double size : {100.0, 10'000.0}) {
    for (const double likely : {0.5, 0.9}) {
      const auto reach = likely_reach(size, k_replication, likely);
      CHECK(likely_among_closest(reach, size, k_replication) == doctest::Approx(likely));
    }
  }
  CHECK(Distance::of_fraction(0.25).fraction() == doctest::Approx(0.25));
  CHECK(Distance::of_fraction(0) == Distance());
}

TEST_CASE("network size: crowded places are told from others, and regions have enough nodes" *
          doctest::test_suite("long")) {
  Network network(1000);
  std::size_t false_alarms = 0;
  std::size_t found_out = 0;
  for (std::uint64_t i = 0; i < 300; ++i) {
    std::vector<Key> keys;
    for (const PeerId& peer : network.nearest(target_of(i), k_replication)) {
      keys.push_back(Key::of(peer));
    }
    false_alarms += is_crowded(target_of(i), keys, 1000) ? 1 : 0;
    for (std::size_t j = 0; j < 16; ++j) {  // an attacker brings sixteen
      keys.insert(keys.begin(), target_of(i).flipped(20 + static_cast<unsigned>(j)));
    }
    keys.resize(k_replication);
    found_out += is_crowded(target_of(i), keys, 1000) ? 1 : 0;
  }
  CHECK(false_alarms <= 3);
  CHECK(found_out >= 285);
  CHECK_FALSE(is_crowded(target_of(1), {target_of(2)}, 1));
  CHECK(region_bits(2000, 20) == 6);
  CHECK(region_bits(10, 20) == 0);
  const auto probes = region_probes(target_of(1), 6, 3);
  REQUIRE(probes.size() == 4);
  for (unsigned i = 0; i < 4; ++i) {
    CHECK(Key::of(probes[i]).common_prefix(target_of(1)) == 6 + i);
  }
  const Key key = target_of(1);
  CHECK(likely_among_closest(key.distance(key.flipped(30)), 2000, 20) > 0.999);
  CHECK(likely_among_closest(key.distance(key.flipped(1)), 2000, 20) < 0.001);
}
