#include "vivim/libp2p/relay/relay.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/relay/relay_test_detail.hpp"
#include "vivim/libp2p/relay/voucher.hpp"

using namespace vivim;
using namespace vivim::libp2p::relay;
using namespace vivim::libp2p::relay::test;
namespace record = vivim::libp2p::record;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t k_unix = 1'700'000'000;

struct Fixture {
  explicit Fixture(RelayLimits limits = {}, Access access = {})
      : relay(record::Signer::of(key_pair(0)), limits, std::move(access)) {}

  static Caller caller(std::uint32_t number, Caller::Via via = Caller::Via::direct) {
    const auto ip = "/ip4/10." + std::to_string(number / 65536) + "." +
                    std::to_string(number / 256 % 256) + "." + std::to_string(number % 256);
    return {.peer = peer(number), .remote = address(ip + "/tcp/5000"), .via = via};
  }
  std::variant<HopMessage, Forward> hop(const Caller& from, const HopMessage& message) {
    return relay.on_hop(from, message, listen, {.time = now, .unix_s = k_unix});
  }
  HopMessage answer(const Caller& from, const HopMessage& message) {
    return std::get<HopMessage>(hop(from, message));
  }
  Status reserve(const Caller& from) { return *answer(from, reserve_message()).status; }
  Status reserve(std::uint32_t number) { return reserve(caller(number)); }
  /// Sets a circuit up all the way.
  CircuitId open(std::uint32_t from, std::uint32_t to) {
    const auto forward = std::get<Forward>(hop(caller(from), connect_message(peer(to))));
    CHECK(relay.on_stop(forward.circuit, stop_status(Status::ok), now).status == Status::ok);
    return forward.circuit;
  }

  Time now = 1h;
  std::vector<Multiaddr> listen{
      address("/ip4/1.2.3.4/tcp/4001"),
      address("/ip4/1.2.3.4/tcp/4001/p2p/" + peer(9).to_string() + "/p2p-circuit")};
  Relay relay;
};

}  // namespace

TEST_CASE("relay: a reservation names its end, the relay's addresses, a voucher and the limits") {
  Fixture f;
  const auto answer = f.answer(Fixture::caller(1), reserve_message());
  CHECK(answer.status == Status::ok);
  REQUIRE(answer.reservation);
  CHECK(answer.reservation->expire_unix_s == k_unix + 3600);
  CHECK(answer.reservation->addresses ==
        std::vector<Multiaddr>{f.listen[0].with_peer(peer(0)).value()});
  CHECK(open_voucher(answer.reservation->voucher).value() ==
        Voucher{peer(0), peer(1), k_unix + 3600});
  CHECK(answer.limit == Limit{120, 131072});
  CHECK(f.relay.has_reservation(peer(1)));
}

TEST_CASE("relay: no reservation and no circuit over a relayed connection, none with itself") {
  Fixture f;
  const auto relayed = Fixture::caller(1, Caller::Via::relayed);
  CHECK(f.reserve(relayed) == Status::permission_denied);
  CHECK(f.reserve(2) == Status::ok);
  CHECK(*f.answer(relayed, connect_message(peer(2))).status == Status::permission_denied);
  CHECK(*f.answer(Fixture::caller(2), connect_message(peer(2))).status ==
        Status::permission_denied);
  CHECK(*f.answer(Fixture::caller(1), connect_message(peer(3))).status == Status::no_reservation);
  CHECK(*f.answer(Fixture::caller(1), hop_status(Status::ok)).status == Status::unexpected_message);
}

TEST_CASE("relay: limits of reservations: in all, of one address, of one peer") {
  Fixture f({.reservations_max = 3, .reservations_per_ip_max = 2});
  Caller same = Fixture::caller(1);
  CHECK(f.reserve(same) == Status::ok);
  CHECK(f.reserve(same) == Status::ok);  // a refresh is no second one
  CHECK(f.relay.stats().reservations == 1);
  same.peer = peer(2);
  CHECK(f.reserve(same) == Status::ok);
  same.peer = peer(3);
  CHECK(f.reserve(same) == Status::reservation_refused);
  CHECK(f.reserve(4) == Status::ok);
  CHECK(f.reserve(5) == Status::reservation_refused);
  CHECK(f.reserve(1) == Status::ok);  // full, but it has one
  CHECK(f.relay.stats().refused[Status::reservation_refused] == 2);
  f.relay.on_disconnected(peer(1));
  CHECK_FALSE(f.relay.has_reservation(peer(1)));
  CHECK(f.reserve(5) == Status::ok);

  Fixture six({.reservations_per_ip_max = 1});
  Caller home{.peer = peer(1), .remote = address("/ip6/2001:db8::1/tcp/1")};
  CHECK(six.reserve(home) == Status::ok);
  home = {.peer = peer(2), .remote = address("/ip6/2001:db8:0:ff::1/tcp/1")};  // the same /56
  CHECK(six.reserve(home) == Status::reservation_refused);
  home = {.peer = peer(2), .remote = address("/ip6/2001:db8:0:100::1/tcp/1")};
  CHECK(six.reserve(home) == Status::ok);
}

TEST_CASE("relay: reservations expire") {
  Fixture f({.reservation_time = 10min});
  CHECK(f.reserve(1) == Status::ok);
  f.now += 5min;
  CHECK(f.reserve(2) == Status::ok);
  CHECK(f.relay.next_deadline() == std::optional<Time>(f.now + 5min));
  f.now += 5min;
  CHECK(f.relay.on_time(f.now).empty());
  CHECK_FALSE(f.relay.has_reservation(peer(1)));
  CHECK(f.relay.has_reservation(peer(2)));
  // Also without a timer that ran.
  f.now += 5min;
  CHECK(*f.answer(Fixture::caller(3), connect_message(peer(2))).status == Status::no_reservation);
  CHECK_FALSE(f.relay.next_deadline());
}

TEST_CASE("GHSA-x787-gh7p-hmq7: a reservation that is refreshed without end stays one") {
  Fixture f;
  for (int i = 0; i < 2000; ++i) {
    CHECK(f.reserve(1) == Status::ok);
    f.now += 100ms;
  }
  CHECK(f.relay.stats().reservations == 1);
  CHECK(f.relay.next_deadline() == std::optional<Time>(f.now - 100ms + 1h));
  f.now += 1h;
  CHECK(f.relay.on_time(f.now).empty());
  CHECK(f.relay.stats().reservations == 0);
  CHECK_FALSE(f.relay.next_deadline());
}

TEST_CASE("relay: reservation exhaustion by strangers does not keep the app's peers out") {
  Fixture listed({.reservations_max = 2}, Access::only({peer(1), peer(2)}));
  for (std::uint32_t stranger = 100; stranger < 200; ++stranger) {
    CHECK(listed.reserve(stranger) == Status::permission_denied);
  }
  CHECK(listed.reserve(1) == Status::ok);
  CHECK(listed.reserve(2) == Status::ok);

  Fixture preferring({.reservations_max = 2}, Access::preferring({peer(1), peer(2), peer(3)}));
  CHECK(preferring.reserve(100) == Status::ok);
  CHECK(preferring.reserve(101) == Status::ok);
  CHECK(preferring.reserve(102) == Status::reservation_refused);
  CHECK(preferring.reserve(1) == Status::ok);
  CHECK(preferring.reserve(2) == Status::ok);
  CHECK(preferring.relay.has_reservation(peer(1)));
  CHECK_FALSE(preferring.relay.has_reservation(peer(100)));
  CHECK(preferring.reserve(3) == Status::reservation_refused);  // only its equals are there
  CHECK(preferring.reserve(101) == Status::reservation_refused);
}

TEST_CASE("relay: an access list may refuse circuits") {
  Fixture f({}, {.reserve = {}, .connect = [](const PeerId& from, const Multiaddr&, const PeerId&) {
                   return from != peer(66);
                 }});
  CHECK(f.reserve(1) == Status::ok);
  CHECK(*f.answer(Fixture::caller(66), connect_message(peer(1))).status ==
        Status::permission_denied);
  CHECK(std::holds_alternative<Forward>(f.hop(Fixture::caller(2), connect_message(peer(1)))));
}

TEST_CASE("relay: a circuit: asked for, begun, metered, ended") {
  Fixture f({.circuit_bytes_max = 1000});
  CHECK(f.reserve(1) == Status::ok);
  const auto forward = std::get<Forward>(f.hop(Fixture::caller(2), connect_message(peer(1))));
  CHECK(forward.target == peer(1));
  CHECK(forward.message.type == StopMessage::Type::connect);
  CHECK(forward.message.peer == peer(2));
  CHECK(forward.message.limit == Limit{120, 1000});
  const auto begun = f.relay.on_stop(forward.circuit, stop_status(Status::ok), f.now);
  CHECK(begun.status == Status::ok);
  CHECK(begun.limit == Limit{120, 1000});
  CHECK(f.relay.stats().circuits == 1);

  // The limit is of each direction.
  CHECK(f.relay.pass(forward.circuit, Side::source, 600) == 600);
  CHECK(f.relay.pass(forward.circuit, Side::target, 1000) == 1000);
  CHECK(f.relay.stats().circuits_cut == 0);
  CHECK(f.relay.pass(forward.circuit, Side::source, 600) == 400);
  CHECK(f.relay.pass(forward.circuit, Side::target, 1) == 0);
  CHECK(f.relay.stats().circuits_cut == 1);
  CHECK(f.relay.stats().bytes == 2000);
  f.relay.end(forward.circuit);
  f.relay.end(forward.circuit);
  CHECK(f.relay.stats().circuits == 0);
  CHECK(f.relay.pass(forward.circuit, Side::source, 1) == 0);
  CHECK(f.relay.on_stop(forward.circuit, stop_status(Status::ok), f.now).status ==
        Status::connection_failed);
}

TEST_CASE("relay: a target that cannot be asked, or refuses, frees the circuit") {
  Fixture f({.circuits_per_peer_max = 1});
  CHECK(f.reserve(1) == Status::ok);
  const std::vector<std::optional<StopMessage>> answers{
      std::nullopt, stop_status(Status::permission_denied), stop_status(static_cast<Status>(7)),
      StopMessage{.type = StopMessage::Type::connect, .peer = peer(1)}};
  for (const auto& answer : answers) {
    const auto forward = std::get<Forward>(f.hop(Fixture::caller(2), connect_message(peer(1))));
    CHECK(f.relay.on_stop(forward.circuit, answer, f.now).status == Status::connection_failed);
    CHECK(f.relay.stats().circuits == 0);
  }
}

TEST_CASE("relay: circuits end with their time") {
  Fixture f;
  CHECK(f.reserve(1) == Status::ok);
  const auto first = f.open(2, 1);
  f.now += 1min;
  const auto second = f.open(3, 1);
  CHECK(f.relay.on_time(f.now).empty());
  CHECK(f.relay.next_deadline() == std::optional<Time>(f.now + 1min));
  f.now += 1min;
  CHECK(f.relay.on_time(f.now) == std::vector<CircuitId>{first});
  CHECK(f.relay.stats().circuits_cut == 1);
  f.relay.end(first);
  f.now += 1min;
  CHECK(f.relay.on_time(f.now) == std::vector<CircuitId>{second});

  Fixture endless({.reservation_time = 1000h, .circuit_time_max = {}, .circuit_bytes_max = {}});
  CHECK(endless.reserve(1) == Status::ok);
  const auto circuit = endless.open(2, 1);
  CHECK_FALSE(endless.answer(Fixture::caller(1), reserve_message()).limit);
  endless.now += 100h;
  CHECK(endless.relay.on_time(endless.now).empty());
  CHECK(endless.relay.pass(circuit, Side::source, 1'000'000'000) == 1'000'000'000);
}

TEST_CASE("relay: limits of circuits: from a peer, to a peer, in all") {
  Fixture f({.circuits_max = 5, .circuits_per_peer_max = 3});
  for (std::uint32_t target = 1; target <= 5; ++target) {
    CHECK(f.reserve(target) == Status::ok);
  }
  const auto refusal = [&](std::uint32_t from, std::uint32_t to) {
    return *f.answer(Fixture::caller(from), connect_message(peer(to))).status;
  };
  for (std::uint32_t i = 0; i < 3; ++i) {
    f.open(10, 1 + i);  // one source floods
  }
  CHECK(refusal(10, 5) == Status::resource_limit_exceeded);
  f.open(11, 1);
  f.open(12, 1);
  CHECK(refusal(13, 1) == Status::resource_limit_exceeded);  // of the target
  CHECK(refusal(13, 5) == Status::resource_limit_exceeded);  // of all
  CHECK(f.relay.stats().circuits == 5);
}

TEST_CASE("relay: limits of requests: at once, of one peer, in a minute") {
  Fixture f({.requests_max = 4, .requests_per_peer_max = 2, .requests_per_minute_max = 5});
  CHECK(f.relay.begin_request(peer(1), f.now));
  CHECK(f.relay.begin_request(peer(1), f.now));
  CHECK_FALSE(f.relay.begin_request(peer(1), f.now));
  CHECK(f.relay.begin_request(peer(2), f.now));
  CHECK(f.relay.begin_request(peer(3), f.now));
  CHECK_FALSE(f.relay.begin_request(peer(4), f.now));
  f.relay.end_request(peer(2));
  CHECK(f.relay.begin_request(peer(4), f.now));
  f.relay.end_request(peer(4));
  // A flood, one after the other.
  f.relay.end_request(peer(1));
  for (int i = 0; i < 3; ++i) {
    CHECK(f.relay.begin_request(peer(1), f.now));
    f.relay.end_request(peer(1));
  }
  CHECK_FALSE(f.relay.begin_request(peer(1), f.now));
  f.now += 1min;
  CHECK(f.relay.begin_request(peer(1), f.now));
}

TEST_CASE("relay: the table of rates is bounded") {
  Fixture f;
  std::uint32_t served = 0;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    if (f.relay.begin_request(peer(i), f.now)) {
      f.relay.end_request(peer(i));
      ++served;
    }
  }
  CHECK(served == 4096);
  f.now += 1min;
  CHECK(f.relay.begin_request(peer(4999), f.now));
}
