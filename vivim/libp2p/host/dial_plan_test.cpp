#include "vivim/libp2p/host/dial_plan.hpp"

#include <random>

#include <doctest/doctest.h>

#include "vivim/libp2p/host/dial_backoff.hpp"
#include "vivim/libp2p/host/error.hpp"
#include "vivim/libp2p/host/parts_test_detail.hpp"
#include "vivim/rt/error.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::test;
using namespace std::chrono_literals;
using multiformats::Multiaddr;
using multiformats::PeerId;
using rt::RtError;

namespace {

std::vector<std::string> order(const std::vector<std::string>& texts) {
  std::vector<Multiaddr> addresses;
  for (const auto& text : texts) {
    addresses.push_back(at(text));
  }
  std::vector<std::string> ranked;
  for (const auto& each : rank_addresses(addresses)) {
    ranked.push_back(each.address.to_string());
  }
  return ranked;
}

Multiaddr numbered_address(std::size_t n) {
  return at("/ip4/9.9.9." + std::to_string(n % 250) + "/tcp/" + std::to_string(1000 + n));
}

const std::string k_relay = "/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/p2p-circuit";

}  // namespace

TEST_CASE("dial ranker: ways, scopes and families") {
  CHECK(order({"/ip4/1.1.1.1/tcp/1/ws", "/ip4/1.1.1.1/tcp/1" + k_relay, "/ip4/1.1.1.1/tcp/1",
               "/ip4/1.1.1.1/udp/1/quic-v1"}) ==
        std::vector<std::string>{"/ip4/1.1.1.1/udp/1/quic-v1", "/ip4/1.1.1.1/tcp/1" + k_relay,
                                 "/ip4/1.1.1.1/tcp/1", "/ip4/1.1.1.1/tcp/1/ws"});
  CHECK(order({"/dns4/a.example/tcp/1", "/ip4/192.168.1.2/tcp/1", "/ip4/127.0.0.1/tcp/1"}) ==
        std::vector<std::string>{"/ip4/127.0.0.1/tcp/1", "/ip4/192.168.1.2/tcp/1",
                                 "/dns4/a.example/tcp/1"});
  CHECK(order({"/ip4/1.1.1.1/tcp/1", "/ip4/1.1.1.2/tcp/1", "/ip4/1.1.1.1/tcp/1",
               "/ip6/2001:db8::1/tcp/1"}) == std::vector<std::string>{"/ip6/2001:db8::1/tcp/1",
                                                                      "/ip4/1.1.1.1/tcp/1",
                                                                      "/ip4/1.1.1.2/tcp/1"});
}

TEST_CASE("dial ranker: where an address lies") {
  const auto scope = [](const std::string& host) { return scope_of(at(host + "/tcp/1")); };
  for (const std::string host : {"/ip4/127.1.2.3", "/ip6/::1", "/ip6/::ffff:127.0.0.1"}) {
    CHECK(scope(host) == AddressScope::loopback);
  }
  for (const std::string host :
       {"/ip4/10.0.0.1", "/ip4/172.16.0.1", "/ip4/172.31.9.9", "/ip4/192.168.0.1",
        "/ip4/169.254.1.1", "/ip4/100.64.0.1", "/ip6/fd00::1", "/ip6/fe80::1"}) {
    CHECK(scope(host) == AddressScope::local);
  }
  for (const std::string host : {"/ip4/172.32.0.1", "/ip4/100.128.0.1", "/ip4/8.8.8.8",
                                 "/ip6/2001:db8::1", "/dns4/example.com"}) {
    CHECK(scope(host) == AddressScope::global);
  }
  CHECK(scope_of(at("/memory/7")) == AddressScope::loopback);
}

TEST_CASE("dial ranker: delays") {
  const auto delays = [](const std::vector<std::string>& texts) {
    std::vector<Multiaddr> addresses;
    for (const auto& text : texts) {
      addresses.push_back(at(text));
    }
    std::vector<rt::Duration> found;
    for (const auto& each : rank_addresses(addresses)) {
      found.push_back(each.delay);
    }
    return found;
  };
  // Loopback, a network, a public address and at once the first relay; what is left takes its turn.
  CHECK(delays({"/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1", "/ip4/1.1.1.1/tcp/1",
                "/ip4/1.1.1.2/tcp/1", "/ip4/1.1.1.1/tcp/1" + k_relay,
                "/ip4/1.1.1.2/tcp/1" + k_relay}) ==
        std::vector<rt::Duration>{0ms, 30ms, 30ms, 0ms, 250ms, 0ms});
  CHECK(delays({"/ip4/1.1.1.1/tcp/1" + k_relay, "/ip4/1.1.1.2/tcp/1" + k_relay}) ==
        std::vector<rt::Duration>{0ms, 250ms});
}

TEST_CASE("dial ranker: the first relay waits for one public address, or for all of a network") {
  const std::string relay = "/ip4/1.1.1.9/tcp/1" + k_relay;
  CHECK(order({relay, "/ip4/1.1.1.1/tcp/1", "/ip4/1.1.1.2/tcp/1", "/ip4/10.0.0.1/tcp/1"}) ==
        std::vector<std::string>{"/ip4/10.0.0.1/tcp/1", "/ip4/1.1.1.1/tcp/1", relay,
                                 "/ip4/1.1.1.2/tcp/1"});
  CHECK(order({relay, "/ip4/10.0.0.2/tcp/1", "/ip4/10.0.0.1/tcp/1"}) ==
        std::vector<std::string>{"/ip4/10.0.0.2/tcp/1", "/ip4/10.0.0.1/tcp/1", relay});
  // Also where more direct addresses are told than are dialled.
  std::vector<Multiaddr> many{at(relay)};
  for (std::size_t i = 0; i < 2 * k_dial_addresses_max; ++i) {
    many.push_back(numbered_address(i));
  }
  CHECK(rank_addresses(many)[1].address == at(relay));
}

TEST_CASE("dial ranker: limit on the addresses of one peer") {
  std::vector<Multiaddr> many;
  for (std::size_t i = 0; i < 200; ++i) {
    many.push_back(numbered_address(i));
  }
  CHECK(rank_addresses(many).size() == k_dial_addresses_max);
  DialPlan plan(rank_addresses(many), k_start);
  plan.add(rank_addresses({at("/ip4/1.2.3.4/tcp/1")}));
  std::size_t tried = 0;
  while (plan.next(k_start)) {
    plan.failed(RtError::refused, k_start);
    ++tried;
  }
  CHECK(tried == k_dial_addresses_max);
}

TEST_CASE("dial plan: attempts are staggered, a failure starts the next at once") {
  DialPlan plan(rank_addresses({numbered_address(1), numbered_address(2), numbered_address(3)}),
                k_start);
  CHECK(plan.next(k_start) == numbered_address(1));
  CHECK(!plan.next(k_start));
  CHECK(plan.next_start() == k_start + 250ms);
  CHECK(!plan.next(k_start + 249ms));
  CHECK(plan.next(k_start + 250ms) == numbered_address(2));
  plan.failed(RtError::refused, k_start + 260ms);
  CHECK(plan.next_start() == k_start + 260ms);
  CHECK(plan.next(k_start + 260ms) == numbered_address(3));
  CHECK(!plan.next_start());
  CHECK(!plan.exhausted());
  plan.failed(RtError::refused, k_start + 1s);
  plan.failed(RtError::refused, k_start + 1s);
  CHECK(plan.exhausted());
}

TEST_CASE("dial plan: nothing waits while nothing runs, and the error that tells most is kept") {
  DialPlan plan(rank_addresses({numbered_address(1), numbered_address(2), numbered_address(3)}),
                k_start);
  for (const Error error : {Error(HostError::unsupported_address), Error(HostError::wrong_peer),
                            Error(RtError::refused)}) {
    CHECK(plan.next(k_start));
    plan.failed(error, k_start);
  }
  CHECK(plan.exhausted());
  CHECK(plan.error()->is(HostError::wrong_peer));
  plan.add(rank_addresses({numbered_address(3), numbered_address(4)}));
  CHECK(plan.next(k_start) == numbered_address(4));
}

TEST_CASE("dial plan: limit on attempts at once") {
  std::vector<Multiaddr> many;
  for (std::size_t i = 0; i < 20; ++i) {
    many.push_back(numbered_address(i));
  }
  DialPlan plan(rank_addresses(many), k_start);
  rt::TimePoint now = k_start;
  for (std::size_t i = 0; i < k_dial_attempts_max; ++i, now += 1s) {
    CHECK(plan.next(now));
  }
  CHECK(!plan.next(now + 1h));
  CHECK(!plan.next_start());
  plan.failed(RtError::timed_out, now);
  CHECK(plan.next(now));
}

TEST_CASE("dial plan property: every address is tried once, never more at once than allowed") {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    std::vector<Multiaddr> addresses;
    for (std::size_t i = 0, count = random() % 30; i < count; ++i) {
      addresses.push_back(numbered_address(random() % 40));
    }
    const auto ranked = rank_addresses(addresses);
    DialPlan plan(ranked, k_start);
    std::set<Multiaddr> tried;
    rt::TimePoint now = k_start;
    while (!plan.exhausted()) {
      if (auto address = plan.next(now)) {
        CHECK(tried.insert(*address).second);
        REQUIRE(plan.running() <= k_dial_attempts_max);
      } else if (plan.running() > 0 && random() % 2 == 0) {
        plan.failed(RtError::refused, now);
      } else if (const auto start = plan.next_start()) {
        now = std::max(now, *start);
      }
    }
    CHECK(tried.size() == ranked.size());
  }
}

TEST_CASE("dial back-off: doubles up to its limit, ends with success, and is forgotten") {
  DialBackoff backoff;
  const PeerId who = peer(1);
  rt::TimePoint now = k_start;
  std::vector<rt::Duration> waits;
  for (int i = 0; i < 9; ++i) {
    backoff.address_failed(who, numbered_address(1), now);
    const auto until = backoff.blocked_until(who, numbered_address(1), now);
    REQUIRE(until);
    waits.push_back(*until - now);
    now = *until;
    CHECK(!backoff.blocked_until(who, numbered_address(1), now));
  }
  CHECK(waits == std::vector<rt::Duration>{5s, 10s, 20s, 40s, 80s, 160s, 300s, 300s, 300s});
  CHECK(!backoff.blocked_until(who, numbered_address(2), k_start));
  CHECK(!backoff.blocked_until(peer(2), numbered_address(1), k_start));
  backoff.address_failed(who, numbered_address(1), now + 1h);
  CHECK(backoff.blocked_until(who, numbered_address(1), now + 1h) == now + 1h + 5s);
  backoff.succeeded(who, numbered_address(1));
  CHECK(!backoff.blocked_until(who, numbered_address(1), now + 1h));
}

TEST_CASE("dial back-off: a peer that failed as a whole holds back what was tried, not the new") {
  DialBackoff backoff;
  const PeerId who = peer(1);
  for (int i = 0; i < 3; ++i) {
    backoff.peer_failed(who, k_start);
  }
  backoff.address_failed(who, numbered_address(1), k_start);
  CHECK(backoff.blocked_until(who, numbered_address(1), k_start) == k_start + 20s);
  CHECK(!backoff.blocked_until(who, numbered_address(2), k_start));
}

TEST_CASE("dial back-off: limit on what is remembered") {
  DialBackoff backoff;
  const PeerId who = peer(1);
  for (std::size_t i = 0; i < k_backoff_entries_max + 100; ++i) {
    backoff.address_failed(who, at("/ip4/1.1.1.1/tcp/" + std::to_string(i + 1)),
                           k_start + std::chrono::milliseconds(i));
  }
  CHECK(backoff.size() == k_backoff_entries_max);
  CHECK(!backoff.blocked_until(who, at("/ip4/1.1.1.1/tcp/1"), k_start));
}
