// Bytes that are sent from where they lie and put where they are read, and windows of several
// sessions.
#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/libp2p/yamux/frames_test_detail.hpp"
#include "vivim/libp2p/yamux/session.hpp"
#include "vivim/libp2p/yamux/window_budget.hpp"

using namespace vivim;
using namespace vivim::libp2p::yamux;
using namespace vivim::libp2p::yamux::test;
using namespace std::chrono_literals;

namespace {

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  }
  return bytes;
}

// The payload of everything that leaves.
Bytes sent_by(Session& session) {
  Bytes out(1 << 20);
  Bytes payload;
  BytesView in = BytesView(out).first(session.poll_transmit(out, 0s));
  while (!in.empty()) {
    const auto header = decode_header(in);
    REQUIRE(header);
    in = in.subspan(k_header_bytes);
    if (header->type == FrameType::data) {
      append(payload, in.first(header->length));
      in = in.subspan(header->length);
    }
  }
  return payload;
}

std::size_t count_of(Session& session, EventKind kind) {
  std::size_t count = 0;
  while (const auto event = session.poll_event()) {
    count += event->kind == kind ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("yamux: what is lent leaves behind what was written, and its end is told") {
  Session session(Role::dialer, quiet(), 0s);
  const auto stream = *session.open_stream();
  const Bytes all = pattern(k_initial_window_bytes + 1000);
  REQUIRE(session.write(stream, BytesView(all).first(10)) == 10);
  REQUIRE(session.lend(stream, BytesView(all).subspan(10)));
  Bytes sent = sent_by(session);
  CHECK(sent.size() == k_initial_window_bytes);
  CHECK(session.lent(stream).value() == 1000);
  CHECK(count_of(session, EventKind::writable) == 0);
  REQUIRE(session.close_write(stream));  // FIN comes behind
  REQUIRE(session.feed(window(k_flag_ack, 1, 999), 0s));
  append(sent, sent_by(session));
  REQUIRE(session.feed(window(0, 1, 1), 0s));
  append(sent, sent_by(session));
  CHECK(sent == all);
  CHECK(count_of(session, EventKind::writable) == 1);
}

TEST_CASE("yamux: what was lent can be taken back, and ends with the stream") {
  Session session(Role::dialer, quiet(), 0s);
  const auto stream = *session.open_stream();
  const Bytes bytes = pattern(1000);
  REQUIRE(session.lend(stream, bytes));
  session.take_back(stream);
  CHECK(session.lent(stream).value() == 0);
  CHECK(sent_by(session).empty());
  REQUIRE(session.lend(stream, bytes));
  REQUIRE(session.feed(window(k_flag_rst, 1, 5), 0s));
  CHECK(session.lent(stream).error().is(YamuxError::stream_reset));
  CHECK_FALSE(session.lend(stream, bytes));
  CHECK(sent_by(session).empty());

  const auto other = *session.open_stream();
  REQUIRE(session.lend(other, bytes));
  session.reset(other);
  CHECK(session.lent(other).error().is(YamuxError::stream_closed));
  CHECK(sent_by(session).empty());
}

TEST_CASE("yamux: payload goes to the reader that expects it, the rest waits") {
  Session session(Role::listener, quiet(), 0s);
  const Bytes all = pattern(5000);
  REQUIRE(session.feed(data(k_flag_syn, 1, to_bytes(BytesView(all).first(100))), 0s));
  Bytes into(3000);
  CHECK(session.read(StreamId{1}, into)->count == 100);
  session.expect(StreamId{1}, into);
  REQUIRE(session.feed(data(0, 1, to_bytes(BytesView(all).subspan(100, 2000))), 0s));
  REQUIRE(session.feed(data(0, 1, to_bytes(BytesView(all).subspan(2100))), 0s));
  CHECK(count_of(session, EventKind::readable) == 1);
  CHECK(same_bytes(into, BytesView(all).subspan(100, 3000)));
  CHECK(session.read(StreamId{1}, into)->count == 3000);
  CHECK(session.read(StreamId{1}, into)->count == 1900);
  CHECK(same_bytes(BytesView(into).first(1900), BytesView(all).subspan(3100)));
  CHECK(session.read(StreamId{1}, into)->count == 0);
}

TEST_CASE("yamux: a reader's memory is not touched after its read, nor after the stream") {
  Session session(Role::listener, quiet(), 0s);
  const Bytes some = pattern(50);
  REQUIRE(session.feed(data(k_flag_syn, 1, {}), 0s));
  Bytes into(100, 0xff);
  session.expect(StreamId{1}, into);
  CHECK(session.read(StreamId{1}, into)->count == 0);
  REQUIRE(session.feed(data(0, 1, some), 0s));
  CHECK(std::ranges::count(into, 0xff) == 100);
  CHECK(session.read(StreamId{1}, into)->count == 50);
  std::ranges::fill(into, std::uint8_t{0xff});
  session.expect(StreamId{1}, into);
  session.reset(StreamId{1});
  REQUIRE(session.feed(data(0, 1, some), 0s));
  CHECK(std::ranges::count(into, 0xff) == 100);
}

TEST_CASE("yamux: what is put at a reader counts for the window until it is read") {
  Session session(Role::listener, quiet(), 0s);
  REQUIRE(session.feed(data(k_flag_syn, 1, {}), 0s));
  Bytes into(k_initial_window_bytes);
  session.expect(StreamId{1}, into);
  REQUIRE(session.feed(data(0, 1, pattern(k_initial_window_bytes)), 0s));
  Bytes out(4096);
  session.poll_transmit(out, 0s);
  CHECK_FALSE(session.wants_transmit());
  CHECK(session.read(StreamId{1}, into)->count == k_initial_window_bytes);
  CHECK(session.wants_transmit());
  // A peer's reset leaves what it had completed.
  session.expect(StreamId{1}, into);
  session.poll_transmit(out, 0s);
  REQUIRE(session.feed(data(k_flag_fin, 1, pattern(10)), 0s));
  REQUIRE(session.feed(window(k_flag_rst, 1, 0), 0s));
  CHECK(session.read(StreamId{1}, into)->count == 10);
}

TEST_CASE("yamux: windows of several sessions grow within one budget, and give it back") {
  WindowBudget budget(3 * k_initial_window_bytes);
  auto config = quiet();
  config.windows = &budget;
  const auto grow = [](Session& session, std::uint16_t flags, std::uint32_t size) {
    session.set_rtt(100ms);
    REQUIRE(session.feed(data(flags, 1, Bytes(size)), 0s));
    Bytes into(size);
    REQUIRE(session.read(StreamId{1}, into)->count == size);
    sent_by(session);
  };
  {
    Session first(Role::listener, config, 0s);
    grow(first, k_flag_syn, k_initial_window_bytes);
    CHECK(budget.used() == k_initial_window_bytes);
    {
      Session second(Role::listener, config, 0s);
      grow(second, k_flag_syn, k_initial_window_bytes);
      CHECK(budget.used() == 2 * k_initial_window_bytes);
      // There is less left than the next step takes.
      grow(second, 0, 2 * k_initial_window_bytes);
      CHECK(budget.used() == 2 * k_initial_window_bytes);
      second.release(StreamId{1});
      CHECK(budget.used() == k_initial_window_bytes);
    }
    REQUIRE_FALSE(first.feed(Bytes(k_header_bytes, 0xff), 0s));  // breaks the session
    CHECK(budget.used() == 0);
    Session third(Role::listener, config, 0s);
    grow(third, k_flag_syn, k_initial_window_bytes);
  }
  CHECK(budget.used() == 0);
}
