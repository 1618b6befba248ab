// Windows, limits and fairness.
#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/libp2p/yamux/frames_test_detail.hpp"
#include "vivim/libp2p/yamux/session.hpp"

using namespace vivim;
using namespace vivim::libp2p::yamux;
using namespace vivim::libp2p::yamux::test;
using namespace std::chrono_literals;

namespace {

/// So many bytes, no matter which.
Bytes data_of(std::uint16_t flags, std::uint32_t stream, std::uint32_t size) {
  return data(flags, stream, Bytes(size));
}

std::vector<Header> headers(Session& session, Time now = {}, std::size_t out_bytes = 1 << 22) {
  Bytes out(out_bytes);
  std::vector<Header> all;
  BytesView in = BytesView(out).first(session.poll_transmit(out, now));
  while (!in.empty()) {
    const auto header = decode_header(in);
    REQUIRE(header);
    all.push_back(*header);
    in = in.subspan(k_header_bytes + (header->type == FrameType::data ? header->length : 0));
  }
  return all;
}

std::size_t payload_bytes(const std::vector<Header>& frames) {
  std::size_t sum = 0;
  for (const auto& header : frames) {
    sum += header.type == FrameType::data ? header.length : 0;
  }
  return sum;
}

std::vector<EventKind> kinds(Session& session) {
  std::vector<EventKind> all;
  while (const auto event = session.poll_event()) {
    all.push_back(event->kind);
  }
  return all;
}

std::size_t read(Session& session, StreamId stream, std::size_t count) {
  Bytes into(count);
  const auto outcome = session.read(stream, into);
  REQUIRE(outcome);
  return outcome->count;
}

void write(Session& session, StreamId stream, std::size_t count) {
  CHECK(session.write(stream, Bytes(count)) == count);
}

}  // namespace

//= yamux#flow-control
// # Both sides assume the initial 256KB window
TEST_CASE("yamux: no more than the window is sent, more when the peer grants it") {
  auto config = quiet();
  config.send_buffer_bytes_max = 1 << 20;
  Session session(Role::dialer, config, 0s);
  const auto stream = *session.open_stream();
  write(session, stream, 1 << 20);
  CHECK(payload_bytes(headers(session)) == k_initial_window_bytes);
  CHECK_FALSE(session.wants_transmit());
  REQUIRE(session.feed(window(k_flag_ack, 1, 1000), 0s));
  CHECK(payload_bytes(headers(session)) == 1000);
  REQUIRE(session.feed(window(0, 1, 1 << 30), 0s));
  CHECK(payload_bytes(headers(session)) == (1 << 20) - k_initial_window_bytes - 1000);
}

TEST_CASE("yamux: credit of a peer is refused beyond 32 bits (GHSA-4w32-2493-32g7)") {
  Session session(Role::dialer, quiet(), 0s);
  REQUIRE(session.open_stream());
  headers(session);
  REQUIRE(session.feed(window(k_flag_ack, 1, 0xffffffff - k_initial_window_bytes), 0s));
  const auto refused = session.feed(window(0, 1, 1), 0s);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().is(YamuxError::credit_overflow));

  Session opened(Role::listener, quiet(), 0s);
  CHECK(opened.feed(window(k_flag_syn, 1, 0xffffffff), 0s).error().is(YamuxError::credit_overflow));
}

TEST_CASE("yamux: a stream whose first frame is larger than its window (GHSA-vxx9-2994-q338)") {
  for (const int flags : {0, int{k_flag_fin}, int{k_flag_rst}}) {
    Session session(Role::listener, quiet(), 0s);
    const auto refused = session.feed(
        data_of(static_cast<std::uint16_t>(k_flag_syn | flags), 1, k_initial_window_bytes + 1), 0s);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().is(YamuxError::window_exceeded));
    CHECK(kinds(session).empty());  // nothing was opened
    CHECK(session.feed(data_of(k_flag_syn, 3, 1), 0s).error().is(YamuxError::window_exceeded));
    const auto said = headers(session);
    REQUIRE(said.size() == 1);
    CHECK(said[0].type == FrameType::go_away);
  }
}

//= yamux#flow-control
// # Both sides should track the number of bytes sent in Data frames only
TEST_CASE("yamux: a peer may send its window and no byte more") {
  Session session(Role::listener, quiet(), 0s);
  REQUIRE(session.feed(data_of(k_flag_syn, 1, k_initial_window_bytes), 0s));
  REQUIRE(session.feed(data_of(0, 1, 0), 0s));
  CHECK(session.feed(data_of(0, 1, 1), 0s).error().is(YamuxError::window_exceeded));
}

TEST_CASE("yamux: a frame that is still arriving is not granted a second time") {
  constexpr std::uint32_t k_half = k_initial_window_bytes / 2;
  constexpr std::uint32_t k_quarter = k_initial_window_bytes / 4;
  Session session(Role::listener, quiet(), 0s);
  REQUIRE(session.feed(data_of(k_flag_syn, 1, k_half), 0s));
  headers(session);
  CHECK(read(session, StreamId{1}, k_half) == k_half);
  REQUIRE(session.feed(frame(FrameType::data, 0, 1, k_quarter), 0s));
  auto frames = headers(session);
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].length == k_half);
  REQUIRE(session.feed(Bytes(k_quarter), 0s));
  CHECK(read(session, StreamId{1}, 1) == 1);
  CHECK(headers(session).empty());
  REQUIRE(session.feed(data_of(0, 1, k_initial_window_bytes - k_quarter), 0s));
  CHECK(session.feed(data_of(0, 1, 1), 0s).error().is(YamuxError::window_exceeded));
}

TEST_CASE("yamux: credit goes back when the application has read half of the window") {
  Session session(Role::listener, quiet(), 0s);
  REQUIRE(session.feed(data_of(k_flag_syn, 1, k_initial_window_bytes), 0s));
  headers(session);
  CHECK(read(session, StreamId{1}, k_initial_window_bytes / 2 - 1) ==
        k_initial_window_bytes / 2 - 1);
  CHECK(headers(session).empty());
  CHECK(read(session, StreamId{1}, 1) == 1);
  const auto frames = headers(session);
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].type == FrameType::window_update);
  CHECK(frames[0].length == k_initial_window_bytes / 2);
  REQUIRE(session.feed(data_of(0, 1, k_initial_window_bytes / 2), 0s));
  CHECK(session.feed(data_of(0, 1, 1), 0s).error().is(YamuxError::window_exceeded));
}

TEST_CASE("yamux: nothing is granted to a peer that has closed") {
  Session session(Role::listener, quiet(), 0s);
  REQUIRE(session.feed(data_of(k_flag_syn | k_flag_fin, 1, k_initial_window_bytes), 0s));
  headers(session);
  CHECK(read(session, StreamId{1}, 1 << 20) == k_initial_window_bytes);
  CHECK(headers(session).empty());
  CHECK(session.feed(data_of(0, 1, 1), 0s).error().is(YamuxError::data_after_fin));
}

TEST_CASE("yamux: a window grows to what is read in eight round trips, up to its limits") {
  auto config = quiet();
  config.window_bytes_max = 3 * k_initial_window_bytes;
  config.window_growth_bytes_max = 4 * k_initial_window_bytes;
  Session session(Role::listener, config, 0s);
  session.set_rtt(100ms);
  Time now{};
  std::uint32_t newest = 0;
  const auto window_after = [&](std::uint32_t stream, std::uint32_t size, Time passed) {
    REQUIRE(session.feed(data_of(stream > newest ? k_flag_syn : 0, stream, size), now));
    newest = std::max(newest, stream);
    read(session, StreamId{stream}, size);
    now += passed;
    std::uint32_t credit = 0;
    for (const auto& header : headers(session, now)) {
      credit += header.type == FrameType::window_update ? header.length : 0;
    }
    return k_initial_window_bytes - size + credit;
  };
  // In windows of the initial size: slow, then a little faster; then fast, up to window_bytes_max.
  CHECK(window_after(1, k_initial_window_bytes / 2, 400ms) == k_initial_window_bytes);
  CHECK(window_after(1, k_initial_window_bytes / 2, 399ms) == 2 * k_initial_window_bytes);
  CHECK(window_after(1, 2 * k_initial_window_bytes, 10ms) + k_initial_window_bytes ==
        3 * k_initial_window_bytes);
  CHECK(window_after(3, k_initial_window_bytes, 10ms) == 3 * k_initial_window_bytes);
  // window_growth_bytes_max is used up.
  CHECK(window_after(5, k_initial_window_bytes, 10ms) == k_initial_window_bytes);
  session.release(StreamId{3});
  CHECK(window_after(5, k_initial_window_bytes, 10ms) == 3 * k_initial_window_bytes);
}

TEST_CASE("yamux: where there is no room for what a window is to grow to, it still doubles") {
  auto config = quiet();
  config.window_growth_bytes_max = k_initial_window_bytes;
  Session session(Role::listener, config, 0s);
  session.set_rtt(100ms);
  REQUIRE(session.feed(data_of(k_flag_syn, 1, k_initial_window_bytes), 0s));
  read(session, StreamId{1}, k_initial_window_bytes);
  const auto frames = headers(session, 1ms);
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].length == 2 * k_initial_window_bytes);
}

TEST_CASE("yamux: a burst makes a window eight times as large at once, not more") {
  Session session(Role::listener, quiet(), 0s);
  session.set_rtt(100ms);
  REQUIRE(session.feed(data_of(k_flag_syn, 1, k_initial_window_bytes), 0s));
  read(session, StreamId{1}, k_initial_window_bytes);
  const auto frames = headers(session, 1us);
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].length == 8 * k_initial_window_bytes);
}

TEST_CASE("yamux: write takes what the buffer holds and tells when there is room") {
  auto config = quiet();
  config.send_buffer_bytes_max = 1000;
  Session session(Role::dialer, config, 0s);
  const auto stream = *session.open_stream();
  CHECK(session.write(stream, Bytes(1500)) == 1000U);
  CHECK(session.write(stream, Bytes(1)) == 0U);
  CHECK(kinds(session).empty());
  headers(session);
  CHECK(kinds(session) == std::vector{EventKind::writable});
  CHECK(session.write(stream, Bytes(500)) == 500U);
  headers(session);
  CHECK(kinds(session).empty());
  CHECK(session.write(StreamId{9}, Bytes(1)).error().is(YamuxError::unknown_stream));
}

TEST_CASE("yamux: streams take turns, control frames go first") {
  Session session(Role::dialer, quiet(), 0s);
  for (int i = 0; i < 3; ++i) {
    write(session, *session.open_stream(), 100'000);
  }
  REQUIRE(session.feed(frame(FrameType::ping, k_flag_syn, 0, 1), 0s));
  const auto frames = headers(session, 0s, 120'000);
  REQUIRE(frames.size() >= 7);
  CHECK(frames[0].type == FrameType::ping);
  for (std::size_t i = 1; i < 7; ++i) {
    CHECK(frames[i].stream == 1 + 2 * ((i - 1) % 3));
    CHECK(frames[i].length == 16 * 1024);
  }
  // A stream that is alone fills its frames.
  Session alone(Role::dialer, quiet(), 0s);
  write(alone, *alone.open_stream(), 100'000);
  CHECK(headers(alone)[0].length == 64 * 1024 - k_header_bytes);
}

TEST_CASE("yamux: any output buffer that holds a header makes progress") {
  Session session(Role::dialer, quiet(), 0s);
  const auto stream = *session.open_stream();
  write(session, stream, 50);
  REQUIRE(session.close_write(stream));
  CHECK(headers(session, 0s, k_header_bytes).empty());
  CHECK(payload_bytes(headers(session, 0s, k_header_bytes + 20)) == 20);
  CHECK(payload_bytes(headers(session, 0s, k_header_bytes + 30)) == 30);
  CHECK(headers(session, 0s, k_header_bytes).size() == 1);
}

//= yamux#ack-backlog--backpressure
// # SHOULD at most allow an ACK backlog of 256 streams
TEST_CASE("yamux: limit on streams that wait for ACK") {
  Session session(Role::dialer, quiet(), 0s);
  for (int i = 0; i < 256; ++i) {
    REQUIRE(session.open_stream());
  }
  CHECK(session.open_stream().error().is(YamuxError::backlog_full));
  headers(session);
  CHECK(kinds(session).empty());
  REQUIRE(session.feed(window(k_flag_ack, 1), 0s));
  CHECK(kinds(session) == std::vector{EventKind::can_open});
  REQUIRE(session.open_stream());
  CHECK(session.open_stream().error().is(YamuxError::backlog_full));
  session.release(StreamId{3});
  CHECK(kinds(session) == std::vector{EventKind::can_open});
}

TEST_CASE("yamux: limits on streams") {
  auto config = quiet();
  config.inbound_streams_max = 2;
  config.outbound_streams_max = 2;
  Session session(Role::listener, config, 0s);
  REQUIRE(session.open_stream());
  REQUIRE(session.open_stream());
  CHECK(session.open_stream().error().is(YamuxError::too_many_streams));
  REQUIRE(session.feed(window(k_flag_syn, 1), 0s));
  REQUIRE(session.feed(window(k_flag_syn, 3), 0s));
  headers(session);
  REQUIRE(session.feed(data_of(k_flag_syn, 5, 100), 0s));
  REQUIRE(session.feed(data_of(0, 5, 100), 0s));
  const auto frames = headers(session);
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].flags == k_flag_rst);
  CHECK(frames[0].stream == 5);
  CHECK(session.inbound_streams() == 2);
  // A reset stream counts until it is released.
  REQUIRE(session.feed(window(k_flag_rst, 1), 0s));
  CHECK(session.inbound_streams() == 2);
  session.release(StreamId{1});
  CHECK(session.inbound_streams() == 1);
  kinds(session);
  REQUIRE(session.feed(window(k_flag_rst, 2), 0s));
  session.release(StreamId{2});
  CHECK(kinds(session) == std::vector{EventKind::reset, EventKind::can_open});
}

TEST_CASE("yamux: limit on answers that the peer does not read") {
  Session session(Role::listener, quiet(), 0s);
  const auto ping = frame(FrameType::ping, k_flag_syn, 0, 1);
  const auto count = k_control_bytes_max / k_header_bytes;
  for (std::size_t i = 0; i < count; ++i) {
    REQUIRE(session.feed(ping, 0s));
  }
  CHECK(session.feed(ping, 0s).error().is(YamuxError::control_flood));

  // Opening and resetting is bounded in the same way.
  Session rapid(Role::listener, quiet(), 0s);
  Result<void> result;
  std::uint32_t id = 1;
  for (; result && id < 100'000; id += 2) {
    result = rapid.feed(window(k_flag_syn, id), 0s);
    rapid.release(StreamId{id});
    while (rapid.poll_event()) {
    }
  }
  REQUIRE_FALSE(result);
  CHECK(result.error().is(YamuxError::control_flood));
}

TEST_CASE("yamux: limit on frames for streams that are gone") {
  Session session(Role::listener, quiet(), 0s);
  REQUIRE(session.feed(data_of(0, 7, 1000), 0s));
  auto header = frame(FrameType::data, 0, 7, Config{}.window_bytes_max + 1);
  CHECK(session.feed(header, 0s).error().is(YamuxError::frame_too_large));
}

TEST_CASE("yamux: a go-away leaves behind what can be sent, whatever its code") {
  Session session(Role::listener, quiet(), {});
  REQUIRE(session.feed(window(k_flag_syn, 1), {}));
  CHECK(session.write(StreamId{1}, Bytes(100'000)).value() == 100'000);
  session.go_away(GoAwayCode{0x1006});
  session.go_away(GoAwayCode::normal);  // too late
  std::vector<Header> sent;
  while (session.wants_transmit()) {
    for (const auto& header : headers(session, {}, 20'000)) {
      sent.push_back(header);
    }
  }
  CHECK(payload_bytes(sent) == 100'000);
  CHECK(sent.back().type == FrameType::go_away);
  CHECK(sent.back().length == 0x1006);
}

TEST_CASE("yamux: a stream above the limit is refused with a code") {
  Config config = quiet();
  config.inbound_streams_max = 1;
  config.refused_code = 0x1002;
  Session session(Role::listener, config, {});
  REQUIRE(session.feed(window(k_flag_syn, 1), {}));
  REQUIRE(session.feed(window(k_flag_syn, 3), {}));
  const auto sent = headers(session);
  const auto refused =
      std::ranges::find_if(sent, [](const Header& header) { return header.has(k_flag_rst); });
  REQUIRE(refused != sent.end());
  CHECK(refused->stream == 3);
  CHECK(refused->length == 0x1002);
}

TEST_CASE("yamux: the memory that is held is known, and gone when the session is given up") {
  Session session(Role::listener, quiet(), {});
  CHECK(session.held_bytes() == 0);
  REQUIRE(session.feed(data_of(k_flag_syn, 1, 200'000), {}));
  CHECK(session.write(StreamId{1}, Bytes(100'000)).value() == 100'000);
  CHECK(session.held_bytes() >= 300'000);
  CHECK(session.held_bytes() <= 350'000);
  Bytes buffer(200'000);
  CHECK(session.read(StreamId{1}, buffer).value().count == 200'000);
  session.trim();
  CHECK(session.held_bytes() <= 130'000);
  session.go_away(GoAwayCode::internal_error);
  session.abandon();
  CHECK(session.held_bytes() <= 1000);
  const auto sent = headers(session);
  REQUIRE(sent.size() == 1);
  CHECK(sent.front().type == FrameType::go_away);
  CHECK(session.read(StreamId{1}, buffer).error().is(YamuxError::going_away));
  CHECK(session.feed(data_of(0, 1, 1), {}).error().is(YamuxError::going_away));
  session.trim();
  CHECK(session.held_bytes() == 0);
}
