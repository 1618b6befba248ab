#include "vivim/libp2p/autonat/session.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/autonat/autonat_test_detail.hpp"
#include "vivim/libp2p/autonat/reachability.hpp"

using namespace vivim;
using namespace vivim::libp2p::autonat;
using namespace vivim::libp2p::autonat::test;
using namespace std::chrono_literals;

namespace {

const Multiaddr k_remote = address("/ip4/1.2.3.4/tcp/50000");
const Multiaddr k_own = address("/ip4/1.2.3.4/tcp/4001");
const Multiaddr k_foreign = address("/ip4/5.6.7.8/tcp/4001");
const Multiaddr k_private = address("/ip4/192.168.1.1/tcp/4001");

using Dial = ServerSession::Dial;

/// What a server does with a request, which is not to wait.
ServerSession::Action act(ServerSession& session, const v2::Message& message, Limiter& limiter) {
  auto action = session.on_message(message, limiter, 0s);
  REQUIRE(action);
  REQUIRE(*action);
  return **action;
}

v2::ResponseStatus status_of(const ServerSession::Action& action) {
  return std::get<v2::DialResponse>(std::get<v2::Message>(action)).status;
}

}  // namespace

TEST_CASE("autonat: which addresses are dialled for others") {
  CHECK(dialable(k_own, Scope::global));
  CHECK_FALSE(dialable(k_private, Scope::global));
  CHECK(dialable(k_private, Scope::any));
  CHECK_FALSE(dialable(address("/ip4/127.0.0.1/tcp/1"), Scope::global));
  CHECK_FALSE(dialable(address("/ip4/0.0.0.0/tcp/1"), Scope::any));
  CHECK_FALSE(dialable(address("/dns4/example.com/tcp/1"), Scope::any));
  CHECK_FALSE(dialable(Multiaddr(), Scope::any));
  CHECK_FALSE(dialable(address("/ip4/1.2.3.4/tcp/1/p2p/" + peer(1).to_string() + "/p2p-circuit"),
                       Scope::any));
  CHECK(consistent(address("/ip4/10.0.0.1/tcp/4001"), k_own));
  CHECK(consistent(address("/ip4/10.0.0.1/tcp/4001"), address("/dns4/example.com/tcp/4001")));
  CHECK_FALSE(consistent(address("/ip4/1.2.3.4/udp/4001/quic-v1"), k_own));
}

TEST_CASE("autonat v1: only addresses with the IP that the asker is seen at are dialled") {
  const v1::Dial request{.peer = peer(1), .addresses = {k_foreign, k_own, k_own, k_private}};
  CHECK(v1_addresses(request, peer(1), k_remote, {.scope = Scope::any}) ==
        std::vector<Multiaddr>{k_own});
  CHECK(
      v1_addresses(request, peer(2), k_remote, {.scope = Scope::any}).empty());  // for another peer
  const auto relayed = address("/ip4/1.2.3.4/tcp/1/p2p/" + peer(9).to_string() + "/p2p-circuit");
  CHECK(v1_addresses(request, peer(1), relayed, {.scope = Scope::any}).empty());
  CHECK(v1_addresses(request, peer(1), k_remote,
                     {.scope = Scope::any, .can_dial = [](const Multiaddr&) { return false; }})
            .empty());
  v1::Dial many{.peer = peer(1), .addresses = {}};
  for (std::uint16_t port = 1; port < 50; ++port) {
    many.addresses.push_back(Multiaddr::from_tcp("1.2.3.4", port).value());
  }
  CHECK(v1_addresses(many, peer(1), k_remote, {.scope = Scope::any}).size() == 16);
}

TEST_CASE("autonat v2 server: dials the first address that it can, and reports its place") {
  Limiter limiter({});
  ServerSession session({}, k_remote, 30'000);
  const auto action = act(
      session, v2::DialRequest{.addresses = {k_private, k_own, k_foreign}, .nonce = 7}, limiter);
  const auto& dial = std::get<Dial>(action);
  CHECK(dial.address == k_own);
  CHECK(dial.nonce == 7);
  CHECK_FALSE(dial.foreign);
  CHECK(session.on_dialled(v2::DialStatus::ok) ==
        v2::DialResponse{v2::ResponseStatus::ok, 1, v2::DialStatus::ok});
  CHECK(session.on_message(v2::DialRequest{}, limiter, 0s).error().is(AutonatError::unexpected));

  ServerSession picky({.can_dial = [](const Multiaddr&) { return false; }}, k_remote, 30'000);
  CHECK(status_of(act(picky, v2::DialRequest{.addresses = {k_own}}, limiter)) ==
        v2::ResponseStatus::dial_refused);
  ServerSession none({}, k_remote, 30'000);
  CHECK(status_of(act(none, v2::DialRequest{.addresses = {k_private}}, limiter)) ==
        v2::ResponseStatus::dial_refused);
}

TEST_CASE("autonat v2 server: a dial to somebody else costs the asker data") {
  Limiter limiter({.data_requests_per_minute_max = 1});
  ServerSession session({}, k_remote, 30'000);
  const auto action = act(session, v2::DialRequest{.addresses = {k_foreign}}, limiter);
  CHECK(std::get<v2::Message>(action) == v2::Message(v2::DialDataRequest{0, 30'000}));
  for (int i = 0; i < 7; ++i) {
    const auto more = session.on_message(v2::DialDataResponse{4096}, limiter, 0s);
    REQUIRE(more);
    CHECK_FALSE(*more);
  }
  const auto dial = act(session, v2::DialDataResponse{4096}, limiter);  // more than enough
  CHECK(std::get<Dial>(dial).address == k_foreign);
  CHECK(std::get<Dial>(dial).foreign);

  ServerSession second({}, k_remote, 30'000);
  CHECK(status_of(act(second, v2::DialRequest{.addresses = {k_foreign}}, limiter)) ==
        v2::ResponseStatus::request_rejected);

  Limiter fresh({});
  ServerSession dribble({}, k_remote, 30'000);
  (void)act(dribble, v2::DialRequest{.addresses = {k_foreign}}, fresh);
  CHECK(dribble.on_message(v2::DialDataResponse{99}, fresh, 0s)
            .error()
            .is(AutonatError::too_little_data));
  ServerSession early({}, k_remote, 30'000);
  CHECK(
      early.on_message(v2::DialDataResponse{4096}, fresh, 0s).error().is(AutonatError::unexpected));
}

TEST_CASE("autonat server: limits of requests") {
  Limiter limiter({});
  for (int i = 0; i < 12; ++i) {
    CHECK(limiter.accept(peer(1), 0s));
    CHECK_FALSE(limiter.accept(peer(1), 0s));  // one at a time
    limiter.finished(peer(1));
  }
  CHECK_FALSE(limiter.accept(peer(1), 59s));
  for (std::uint8_t other = 2; other < 50; ++other) {
    CHECK(limiter.accept(peer(other), 1s));
  }
  CHECK_FALSE(limiter.accept(peer(200), 59s));  // 60 in all
  CHECK(limiter.accept(peer(1), 60s));
}

TEST_CASE("autonat v2 client: what it believes") {
  const v2::DialResponse good{v2::ResponseStatus::ok, 1, v2::DialStatus::ok};
  const auto session = [] { return ClientSession({k_foreign, k_own}, 7); };
  CHECK(session().request().nonce == 7);

  auto reached = session();
  reached.on_dial_back(address("/ip4/10.0.0.1/tcp/4001"));
  CHECK(std::get<Finding>(reached.on_message(good).value()) == Finding{k_own, true});
  auto lied = session();
  CHECK(lied.on_message(good).error().is(AutonatError::not_confirmed));
  auto elsewhere = session();
  elsewhere.on_dial_back(address("/ip4/10.0.0.1/udp/4001/quic-v1"));
  CHECK(elsewhere.on_message(good).error().is(AutonatError::not_confirmed));
  auto unreached = session();
  CHECK(std::get<Finding>(
            unreached
                .on_message(v2::DialResponse{v2::ResponseStatus::ok, 0, v2::DialStatus::dial_error})
                .value()) == Finding{k_foreign, false});
  // Our nonce came: that the server did not hear our answer changes nothing.
  auto deaf = session();
  deaf.on_dial_back(k_own);
  CHECK(deaf.on_message(
      v2::DialResponse{v2::ResponseStatus::ok, 1, v2::DialStatus::dial_back_error}));

  const auto error_of = [&](v2::DialResponse response) {
    auto each = session();
    return each.on_message(response).error();
  };
  CHECK(error_of({v2::ResponseStatus::request_rejected}).is(AutonatError::rejected));
  CHECK(error_of({v2::ResponseStatus::dial_refused}).is(AutonatError::refused));
  CHECK(error_of({v2::ResponseStatus::internal_error}).is(AutonatError::server_failed));
  CHECK(error_of({static_cast<v2::ResponseStatus>(999)}).is(AutonatError::server_failed));
  CHECK(error_of({v2::ResponseStatus::ok, 2, v2::DialStatus::ok}).is(AutonatError::unexpected));
  CHECK(error_of({v2::ResponseStatus::ok, 0, v2::DialStatus::unused}).is(AutonatError::unexpected));

  auto asked = session();
  CHECK(std::get<v2::DialDataRequest>(asked.on_message(v2::DialDataRequest{0, 100'000}).value())
            .bytes == 100'000);
  CHECK(asked.on_message(v2::DialDataRequest{0, 1}).error().is(AutonatError::unexpected));
  auto greedy = session();
  CHECK(greedy.on_message(v2::DialDataRequest{0, 100'001}).error().is(AutonatError::too_much_data));
  CHECK(greedy.on_message(v2::DialDataRequest{2, 1}).error().is(AutonatError::unexpected));
  CHECK(greedy.on_message(v2::DialRequest{}).error().is(AutonatError::unexpected));
}

TEST_CASE("autonat: an address is public or private when enough servers say so") {
  ReachabilityTable table;
  CHECK_FALSE(table.add({k_own, true}, peer(1), 0s));
  CHECK_FALSE(table.add({k_own, true}, peer(1), 0s));  // the same server's word counts once
  CHECK_FALSE(table.add({k_own, true}, peer(2), 0s));
  CHECK(table.of(k_own, 0s) == AddressReachability{k_own, Reachability::unknown, 2});
  const auto changed = table.add({k_own, true}, peer(3), 0s);
  REQUIRE(changed);
  CHECK(*changed == AddressReachability{k_own, Reachability::public_, 3});
  // One who says otherwise makes it unsure, more make it private.
  CHECK(table.add({k_own, false}, peer(4), 0s)->reachability == Reachability::unknown);
  for (std::uint8_t server = 5; server < 9; ++server) {
    CHECK_FALSE(table.add({k_own, false}, peer(server), 0s));
  }
  CHECK(table.add({k_own, false}, peer(9), 0s)->reachability == Reachability::private_);
  CHECK(table.by_need({k_own, k_foreign}, 0s) == std::vector<Multiaddr>{k_foreign, k_own});
  CHECK(table.of(k_own, 3h).confidence == 0);  // words wear out
  table.watch({}, 3h);
  CHECK(table.all(0s).empty());

  ReachabilityTable trusting({.confidence_min = 1});
  CHECK(trusting.add({k_own, false}, peer(1), 0s)->reachability == Reachability::private_);
}

TEST_CASE("autonat: whoever waits longest is next, so a flood of new addresses starves nobody") {
  ReachabilityTable table({.confidence_min = 2});
  table.watch({k_own, k_foreign}, 1min);
  CHECK(table.by_need({k_own, k_foreign}, 1min).front() == k_own);
  (void)table.add({k_own, true}, peer(1), 2min);
  CHECK(table.by_need({k_own, k_foreign}, 2min).front() == k_foreign);
  Multiaddr claim;
  for (std::uint16_t port = 1; port < 20; ++port) {  // each round another claim
    claim = Multiaddr::from_tcp("9.9.9.9", port).value();
    const auto now = (2 + port) * 1min;
    table.watch({claim, k_own, k_foreign}, now);
    const auto next = table.by_need({claim, k_own, k_foreign}, now);
    CHECK(next.front() != claim);
    (void)table.add({next.front(), true}, peer(static_cast<std::uint8_t>(10 + port)), now);
    if (table.of(k_own, now).reachability == Reachability::public_ &&
        table.of(k_foreign, now).reachability == Reachability::public_) {
      return;
    }
  }
  FAIL("starved");
}

TEST_CASE("autonat: what is remembered is bounded") {
  ReachabilityTable table;
  for (std::uint8_t server = 0; server < 100; ++server) {
    (void)table.add({k_own, true}, peer(server), 0s);
  }
  CHECK(table.of(k_own, 0s).confidence == k_words_max);
  for (std::uint16_t port = 1; port < 200; ++port) {
    (void)table.add({Multiaddr::from_tcp("1.2.3.4", port).value(), true}, peer(1), 0s);
  }
  CHECK(table.all(0s).size() == k_watched_addresses_max);
  std::vector<Multiaddr> many;
  for (std::uint16_t port = 1; port < 200; ++port) {
    many.push_back(Multiaddr::from_tcp("1.2.3.5", port).value());
  }
  table.watch(many, 0s);
  CHECK(table.all(0s).size() == k_watched_addresses_max);
}
