#include "vivim/libp2p/tls/security.hpp"

#include <array>

#include <doctest/doctest.h>

#include "vivim/libp2p/tls/stream.hpp"
#include "vivim/libp2p/tls/tls_test_detail.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/sim/stream_pair.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::tls;
using namespace vivim::libp2p::tls::test;
using namespace std::chrono_literals;
using multiformats::PeerId;
using rt::RtError;
using rt::sim::World;

namespace {

struct Party {
  explicit Party(rt::sim::Node& node_)
      : node(node_),
        random([this](MutableBytes out) { node.rng().fill(out); }),
        key(crypto::KeyPair::generate(random)),
        security(key, random, node.clock()) {}

  rt::sim::Node& node;
  crypto::RandomSource random;
  crypto::KeyPair key;
  TlsSecurity security;
  std::optional<Result<SecureChannel>> outcome;
};

/// Both ends of a pipe, and what their handshakes gave.
struct Setting {
  explicit Setting(std::size_t buffer_bytes = std::size_t{64} * 1024)
      : dialer(world.add_node("dialer")),
        listener(world.add_node("listener")),
        tasks(dialer.node.loop()) {
    std::tie(a, b) = rt::sim::make_stream_pair(dialer.node.loop(), buffer_bytes);
    raw = a.get();
  }

  World world{3};
  Party dialer;
  Party listener;
  rt::TaskGroup tasks;
  std::unique_ptr<rt::Stream> a;
  std::unique_ptr<rt::Stream> b;
  rt::Stream* raw = nullptr;  ///< the dialer's transport
};

rt::Co<void> secure_into(Party& party, std::unique_ptr<rt::Stream> transport, Direction direction,
                         std::optional<PeerId> expected, std::vector<std::string> muxers) {
  party.outcome.emplace(
      co_await party.security.secure(std::move(transport), direction, expected, std::move(muxers)));
}

void run_both(Setting& setting, std::optional<PeerId> expected = std::nullopt,
              std::vector<std::string> muxers = {"/yamux/1.0.0"}) {
  setting.tasks.spawn("dialer", secure_into(setting.dialer, std::move(setting.a),
                                            Direction::outbound, expected, {"/x", "/yamux/1.0.0"}));
  setting.tasks.spawn("listener", secure_into(setting.listener, std::move(setting.b),
                                              Direction::inbound, std::nullopt, std::move(muxers)));
  setting.world.run_for(1s);
  REQUIRE(setting.listener.outcome);
  REQUIRE(setting.dialer.outcome);
}

rt::Co<void> send_and_close(FrameStream& stream, Bytes bytes, Result<void>& outcome) {
  outcome = co_await stream.write(bytes);
  if (outcome) {
    outcome = co_await stream.close_write();
  }
}

rt::Co<void> send_raw(rt::Stream& stream, Bytes bytes, Result<void>& outcome) {
  outcome = co_await stream.write(bytes);
}

rt::Co<void> receive_frames(FrameStream& stream, Bytes& into, Result<void>& outcome) {
  for (;;) {
    const auto frame = co_await stream.read_frame();
    if (!frame) {
      outcome = fail(frame.error());
      co_return;
    }
    if (frame->empty()) {
      co_return;
    }
    append(into, *frame);
  }
}

rt::Co<void> receive_some(FrameStream& stream, Bytes& into, Result<void>& outcome) {
  std::array<std::uint8_t, 1000> buffer{};
  for (;;) {
    const auto count = co_await stream.read_some(buffer);
    if (!count) {
      outcome = fail(count.error());
      co_return;
    }
    if (*count == 0) {
      co_return;
    }
    append(into, BytesView(buffer).first(*count));
    stream.trim();
  }
}

}  // namespace

TEST_CASE("security: both ends agree, whatever the pipe holds at once") {
  for (const std::size_t buffer_bytes : {64UL, 1001UL, 65536UL}) {
    Setting setting(buffer_bytes);
    run_both(setting, PeerId::of(setting.listener.key));
    REQUIRE(*setting.dialer.outcome);
    REQUIRE(*setting.listener.outcome);
    CHECK((*setting.dialer.outcome)->peer == PeerId::of(setting.listener.key));
    CHECK((*setting.listener.outcome)->peer == PeerId::of(setting.dialer.key));
    CHECK((*setting.dialer.outcome)->muxer == "/yamux/1.0.0");
    CHECK((*setting.listener.outcome)->muxer == "/yamux/1.0.0");
    setting.world.run(setting.tasks.stop());
  }
}

TEST_CASE("security: without a common muxer it is left to multistream") {
  Setting setting;
  run_both(setting, std::nullopt, {"/y"});
  REQUIRE(*setting.dialer.outcome);
  REQUIRE(*setting.listener.outcome);
  CHECK_FALSE((*setting.dialer.outcome)->muxer);
  CHECK_FALSE((*setting.listener.outcome)->muxer);
  setting.world.run(setting.tasks.stop());
}

TEST_CASE("security: bytes go both ways at once, and end in order") {
  Setting setting(5000);
  run_both(setting);
  auto& a = *(*setting.dialer.outcome)->stream;
  auto& b = *(*setting.listener.outcome)->stream;
  const Bytes message = numbered(700'000);
  Bytes at_a;
  Bytes at_b;
  std::array<Result<void>, 4> outcomes;
  setting.tasks.spawn("a writes", send_and_close(a, message, outcomes[0]));
  setting.tasks.spawn("b writes", send_and_close(b, message, outcomes[1]));
  setting.tasks.spawn("a reads", receive_frames(a, at_a, outcomes[2]));
  setting.tasks.spawn("b reads", receive_some(b, at_b, outcomes[3]));
  setting.world.run_for(1s);
  CHECK(at_a == message);
  CHECK(at_b == message);
  for (const auto& outcome : outcomes) {
    CHECK(outcome);
  }
  setting.world.run(setting.tasks.stop());
}

TEST_CASE("security: buffers are given back while a read waits") {
  Setting setting;
  run_both(setting);
  auto& a = *(*setting.dialer.outcome)->stream;
  auto& b = *(*setting.listener.outcome)->stream;
  Bytes got;
  Result<void> reading;
  Result<void> writing;
  setting.tasks.spawn("reads", receive_frames(a, got, reading));
  setting.world.run_for(1s);
  a.trim();
  const Bytes message = numbered(100'000);
  setting.tasks.spawn("writes", send_and_close(b, message, writing));
  setting.world.run_for(1s);
  a.trim();
  CHECK(got == message);
  CHECK(reading);
  CHECK(writing);
  setting.world.run(setting.tasks.stop());
}

TEST_CASE("security: a transport that ends without close_notify was cut off") {
  Setting setting;
  run_both(setting);
  Bytes got;
  Result<void> outcome;
  setting.tasks.spawn("reads", receive_frames(*(*setting.dialer.outcome)->stream, got, outcome));
  setting.world.run_for(1s);
  setting.listener.outcome.reset();
  setting.world.run_for(1s);
  REQUIRE_FALSE(outcome);
  CHECK((outcome.error().is(RtError::end_of_stream) || outcome.error().is(RtError::reset)));
  setting.world.run(setting.tasks.stop());
}

TEST_CASE("security: the wrong peer, told at both ends") {
  Setting setting;
  run_both(setting, PeerId::of(setting.dialer.key));
  CHECK(setting.dialer.outcome->error().is(TlsError::wrong_peer));
  CHECK(setting.listener.outcome->error().is(TlsError::alert));
  setting.world.run(setting.tasks.stop());
}

// In TLS 1.3 a client is done before the server looked at its certificate.
TEST_CASE("security: a client whom the server refuses learns it with its first read") {
  Setting setting;
  const auto stranger = Context::client({.source = Trust::Source::everybody});
  REQUIRE(stranger);
  std::optional<Result<std::unique_ptr<TlsStream>>> client;
  setting.tasks.spawn(
      "client",
      [](std::unique_ptr<rt::Stream> transport, Session session,
         auto& into) -> rt::Co<void> {
        into.emplace(co_await shake_hands(std::move(transport), std::move(session)));
      }(std::move(setting.a),
                     Session(*stranger, {.protocols = {"libp2p"},
                                         .now = setting.dialer.node.clock().wall_now_ms()}),
                     client));
  setting.tasks.spawn("listener", secure_into(setting.listener, std::move(setting.b),
                                              Direction::inbound, std::nullopt, {}));
  setting.world.run_for(1s);
  CHECK(setting.listener.outcome->error().is(TlsError::certificate_missing));
  REQUIRE(client);
  REQUIRE(*client);
  Bytes got;
  Result<void> outcome;
  setting.tasks.spawn("reads", receive_frames(***client, got, outcome));
  setting.world.run_for(1s);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().is(TlsError::alert));
  CHECK(outcome.error().detail() == 116);  // certificate_required
  setting.world.run(setting.tasks.stop());
}

TEST_CASE("security: a damaged record is answered by an alert when the stream is closed") {
  Setting setting;
  run_both(setting);
  Bytes got;
  Result<void> outcomes[3];
  auto& a = *(*setting.dialer.outcome)->stream;
  auto& b = *(*setting.listener.outcome)->stream;
  // What is no record, written below the TLS of one end.
  auto* const raw = setting.raw;
  setting.tasks.spawn("writes", send_raw(*raw, Bytes(100, 0x42), outcomes[0]));
  setting.tasks.spawn("reads", receive_frames(b, got, outcomes[1]));
  setting.world.run_for(1s);
  REQUIRE_FALSE(outcomes[1]);
  CHECK(outcomes[1].error().is(TlsError::bad_record));
  CHECK(setting.world.run(b.close_write()));
  setting.tasks.spawn("told", receive_frames(a, got, outcomes[2]));
  setting.world.run_for(1s);
  REQUIRE_FALSE(outcomes[2]);
  CHECK(outcomes[2].error().is(TlsError::alert));
  setting.world.run(setting.tasks.stop());
}

TEST_CASE("security: each operation of either transport fails in turn, and both ends end") {
  for (const bool dialer_fails : {true, false}) {
    std::uint64_t nth = 1;
    for (bool failed = true; failed; ++nth) {
      Setting setting;
      auto& faulty = dialer_fails ? setting.a : setting.b;
      faulty = rt::sim::make_failing_stream(std::move(faulty), nth, RtError::timed_out);
      run_both(setting);
      const auto& result = dialer_fails ? setting.dialer.outcome : setting.listener.outcome;
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

TEST_CASE("security: a peer that stalls is ended by whoever resets its transport") {
  Setting setting;
  rt::Stream* transport = setting.b.get();
  setting.tasks.spawn("listener", secure_into(setting.listener, std::move(setting.b),
                                              Direction::inbound, std::nullopt, {}));
  setting.world.run_for(1s);
  CHECK_FALSE(setting.listener.outcome);
  transport->reset(0);
  setting.world.run_for(1s);
  REQUIRE(setting.listener.outcome);
  CHECK(setting.listener.outcome->error().is(RtError::closed));
  setting.world.run(setting.tasks.stop());
}
