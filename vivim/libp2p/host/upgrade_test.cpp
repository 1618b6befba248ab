#include "vivim/libp2p/host/upgrade.hpp"

#include <array>

#include <doctest/doctest.h>

#include "vivim/libp2p/host/negotiate.hpp"
#include "vivim/libp2p/host/noise_security.hpp"
#include "vivim/libp2p/host/secure_stream.hpp"
#include "vivim/libp2p/yamux/session.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/sim/stream_pair.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace std::chrono_literals;
using rt::RtError;
using rt::sim::World;

namespace {

struct Upgrader {
  explicit Upgrader(rt::sim::Node& node_)
      : node(node_),
        random([this](MutableBytes out) { node.rng().fill(out); }),
        key(crypto::KeyPair::generate(random)),
        noise(noise::Identity(key, random), node.rng()),
        identity(noise.identity()) {}

  UpgradeProtocols protocols() {
    return {.securities = {&noise}, .muxers = {std::string(yamux::k_protocol_id)}};
  }

  rt::sim::Node& node;
  crypto::RandomSource random;
  crypto::KeyPair key;
  NoiseSecurity noise;
  const noise::Identity& identity;
};

/// Both ends of a pipe, and what their upgrades gave.
struct Setting {
  explicit Setting(std::size_t buffer_bytes = std::size_t{64} * 1024)
      : dialer(world.add_node("dialer")),
        listener(world.add_node("listener")),
        tasks(dialer.node.loop()) {
    std::tie(a, b) = rt::sim::make_stream_pair(dialer.node.loop(), buffer_bytes);
  }

  World world{3};
  Upgrader dialer;
  Upgrader listener;
  rt::TaskGroup tasks;
  std::unique_ptr<rt::Stream> a;
  std::unique_ptr<rt::Stream> b;
  std::optional<Result<Upgraded>> at_dialer;
  std::optional<Result<Upgraded>> at_listener;
};

rt::Co<void> upgrade_into(std::unique_ptr<rt::Stream> transport, Upgrader& party,
                          UpgradeOptions options, std::optional<Result<Upgraded>>& into) {
  into.emplace(co_await upgrade(std::move(transport), party.protocols(), options));
}

void run_both(Setting& setting, std::unique_ptr<rt::Stream> a, std::unique_ptr<rt::Stream> b) {
  setting.tasks.spawn("dialer", upgrade_into(std::move(a), setting.dialer,
                                             {.direction = Direction::outbound,
                                              .expected_peer = setting.listener.identity.peer_id()},
                                             setting.at_dialer));
  setting.tasks.spawn(
      "listener", upgrade_into(std::move(b), setting.listener, {.direction = Direction::inbound},
                               setting.at_listener));
  setting.world.run_for(1s);
}

/// A peer that does not name its muxers within the handshake, as rust-libp2p does not.
rt::Co<Result<SecureStream>> shake_without_muxers(std::unique_ptr<rt::Stream> transport,
                                                  Upgrader& party, noise::Role role) {
  const std::string protocol(noise::k_protocol_id);
  const bool dials = role == noise::Role::initiator;
  auto agreement = dials ? co_await propose(*transport, {protocol})
                         : co_await agree(*transport, multistream::make_protocol_list({protocol}));
  VIVIM_CO_TRY(auto agreed, std::move(agreement));
  noise::Handshake handshake(party.identity, {.role = role}, party.random);
  Bytes in = std::move(agreed.early);
  Bytes buffer(1024);
  while (!handshake.done()) {
    VIVIM_CO_TRY(const auto used, handshake.feed(in));
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(used));
    VIVIM_CO_TRYV(co_await transport->write(handshake.poll_transmit()));
    if (!handshake.done()) {
      VIVIM_CO_TRY(const auto count, co_await transport->read_some(buffer));
      append(in, BytesView(buffer).first(count));
    }
  }
  auto session = handshake.take_session();
  session.receiver.feed(in);
  co_return SecureStream(std::move(transport), std::move(session.sender),
                         std::move(session.receiver));
}

rt::Co<void> talk_without_muxers(std::unique_ptr<rt::Stream> transport, Upgrader& party,
                                 noise::Role role, bool& greeted) {
  auto secure = co_await shake_without_muxers(std::move(transport), party, role);
  REQUIRE(secure);
  const std::string yamux(yamux::k_protocol_id);
  const auto agreement = role == noise::Role::initiator
                             ? co_await propose(*secure, {"/mplex/6.7.0", yamux})
                             : co_await agree(*secure, multistream::make_protocol_list({yamux}));
  REQUIRE(agreement);
  CHECK(agreement->protocol == yamux);
  CHECK(co_await secure->write(as_bytes("hello")));
  std::array<std::uint8_t, 5> answer{};
  CHECK(co_await rt::read_exactly(*secure, answer));
  greeted = as_text(answer) == "world";
  (void)co_await secure->close_write();
}

rt::Co<void> greet_back(Upgraded upgraded, bool& greeted) {
  Bytes heard = std::move(upgraded.early);
  while (heard.size() < 5) {
    const auto frame = co_await upgraded.stream->read_frame();
    REQUIRE(frame);
    append(heard, *frame);
  }
  greeted = as_text(heard) == "hello";
  CHECK(co_await upgraded.stream->write(as_bytes("world")));
  (void)co_await upgraded.stream->close_write();
}

}  // namespace

// Both write their first message before they read: a transport that held less than that would
// stall.
TEST_CASE("upgrade: both ends agree, whatever the pipe holds at once") {
  for (const std::size_t buffer_bytes : {64UL, 101UL, 65536UL}) {
    Setting setting(buffer_bytes);
    run_both(setting, std::move(setting.a), std::move(setting.b));
    REQUIRE(setting.at_dialer);
    REQUIRE(setting.at_listener);
    REQUIRE(setting.at_dialer->has_value());
    REQUIRE(setting.at_listener->has_value());
    CHECK((*setting.at_dialer)->peer == setting.listener.identity.peer_id());
    CHECK((*setting.at_listener)->peer == setting.dialer.identity.peer_id());
    setting.world.run(setting.tasks.stop());
  }
}

TEST_CASE("upgrade: a peer that negotiates its muxer behind the handshake") {
  for (const auto direction : {Direction::inbound, Direction::outbound}) {
    Setting setting;
    bool greeted_there = false;
    bool greeted_here = false;
    const bool we_dial = direction == Direction::outbound;
    Upgrader& us = we_dial ? setting.dialer : setting.listener;
    Upgrader& them = we_dial ? setting.listener : setting.dialer;
    setting.tasks.spawn(
        "them", talk_without_muxers(std::move(setting.b), them,
                                    we_dial ? noise::Role::responder : noise::Role::initiator,
                                    greeted_there));
    setting.tasks.spawn(
        "us", upgrade_into(std::move(setting.a), us, {.direction = direction}, setting.at_dialer));
    setting.world.run_for(1s);
    REQUIRE(setting.at_dialer);
    REQUIRE(setting.at_dialer->has_value());
    setting.tasks.spawn("greet", greet_back(std::move(**setting.at_dialer), greeted_here));
    setting.world.run_for(1s);
    CHECK(greeted_here);
    CHECK(greeted_there);
    setting.world.run(setting.tasks.stop());
  }
}

TEST_CASE("upgrade: where it is open who proposes, one end does") {
  struct Case {
    bool a_open;
    bool b_open;
    rt::Duration a_patience;
    rt::Duration b_patience;
    Direction b_direction;
    bool a_proposes;
  };
  const std::vector<Case> cases{
      // Both dialled: the higher number, which b draws.
      {true, true, 0s, 0s, Direction::outbound, false},
      // a met a listener, with patience and without.
      {true, false, 0s, 0s, Direction::inbound, true},
      {true, false, 200ms, 0s, Direction::inbound, true},
      // a listens, and b proposes: as a plain dialler does, and as one that has less patience.
      {true, false, 200ms, 0s, Direction::outbound, false},
      {true, true, 500ms, 200ms, Direction::outbound, false},
  };
  for (const auto& each : cases) {
    Setting setting;
    UpgradeOptions at_a{.expected_peer = setting.listener.identity.peer_id()};
    UpgradeOptions at_b{.direction = each.b_direction};
    rt::Loop& loop = setting.dialer.node.loop();
    if (each.a_open) {
      at_a.undecided.emplace(
          libp2p::Undecided{.loop = loop, .number = 1, .patience = each.a_patience});
    }
    if (each.b_open) {
      at_b.undecided.emplace(
          libp2p::Undecided{.loop = loop, .number = 2, .patience = each.b_patience});
    }
    setting.tasks.spawn(
        "a", upgrade_into(std::move(setting.a), setting.dialer, at_a, setting.at_dialer));
    setting.tasks.spawn(
        "b", upgrade_into(std::move(setting.b), setting.listener, at_b, setting.at_listener));
    setting.world.run_for(1s);
    REQUIRE(setting.at_dialer);
    REQUIRE(setting.at_listener);
    REQUIRE(setting.at_dialer->has_value());
    REQUIRE(setting.at_listener->has_value());
    const auto a = (*setting.at_dialer)->direction;
    CHECK(a == (each.a_proposes ? Direction::outbound : Direction::inbound));
    CHECK((*setting.at_listener)->direction != a);
    CHECK((*setting.at_listener)->peer == setting.dialer.identity.peer_id());
    setting.world.run(setting.tasks.stop());
  }
}

TEST_CASE("upgrade: each operation of either transport fails in turn, and both ends end") {
  for (const bool dialer_fails : {true, false}) {
    std::uint64_t nth = 1;
    for (bool failed = true; failed; ++nth) {
      Setting setting;
      auto& faulty = dialer_fails ? setting.a : setting.b;
      faulty = rt::sim::make_failing_stream(std::move(faulty), nth, RtError::timed_out);
      run_both(setting, std::move(setting.a), std::move(setting.b));
      REQUIRE(setting.at_dialer);
      REQUIRE(setting.at_listener);
      const auto& result = dialer_fails ? setting.at_dialer : setting.at_listener;
      failed = !result->has_value();
      if (failed) {
        CHECK(result->error().is(RtError::timed_out));
      }
      setting.world.run(setting.tasks.stop());
    }
    CHECK(nth > 3);
    CHECK(nth < 12);
  }
}
