#include "vivim/libp2p/yamux/session.hpp"

#include <vector>

#include <doctest/doctest.h>

#include "vivim/libp2p/yamux/frames_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p::yamux;
using namespace vivim::libp2p::yamux::test;
using namespace std::chrono_literals;

namespace {

struct Frame {
  Header header;
  Bytes payload;
};

// A session against frames made by hand.
struct Peer {
  explicit Peer(Role role, Config config = quiet()) : session(role, config, 0s) {}

  Session session;
  Time now{};

  void feed(const Bytes& bytes) { REQUIRE(session.feed(bytes, now)); }

  Error refused(const Bytes& bytes) {
    const auto result = session.feed(bytes, now);
    REQUIRE_FALSE(result);
    return result.error();
  }

  std::vector<Event> events() {
    std::vector<Event> all;
    while (const auto event = session.poll_event()) {
      all.push_back(*event);
    }
    return all;
  }

  std::vector<Frame> frames(std::size_t out_bytes = 1 << 20) {
    Bytes out(out_bytes);
    std::vector<Frame> all;
    BytesView in = BytesView(out).first(session.poll_transmit(out, now));
    while (!in.empty()) {
      const auto header = decode_header(in);
      REQUIRE(header);
      const auto size = header->type == FrameType::data ? header->length : 0;
      all.push_back({*header, to_bytes(in.subspan(k_header_bytes, size))});
      in = in.subspan(k_header_bytes + size);
    }
    return all;
  }

  Header only_frame() {
    const auto all = frames();
    REQUIRE(all.size() == 1);
    return all[0].header;
  }

  std::size_t read(StreamId stream, std::size_t count) {
    Bytes into(count);
    const auto outcome = session.read(stream, into);
    REQUIRE(outcome);
    return outcome->count;
  }
};

bool is(const Header& header, FrameType type, std::uint16_t flags, std::uint32_t stream,
        std::uint32_t length) {
  return header.type == type && header.flags == flags && header.stream == stream &&
         header.length == length;
}

constexpr auto k_update = FrameType::window_update;

}  // namespace

TEST_CASE("yamux frame: layout of libp2p/specs yamux/README.md, Framing") {
  CHECK(to_hex(frame(FrameType::data, k_flag_syn | k_flag_fin, 0x01020304, 0x05060708)) ==
        "000000050102030405060708");
  CHECK(to_hex(frame(FrameType::go_away, 0, 0, 1)) == "000300000000000000000001");
  CHECK(
      decode_header(Bytes{1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}).error().is(YamuxError::bad_version));
  CHECK(decode_header(frame(FrameType{4}, 0, 1, 0)).error().is(YamuxError::bad_type));
  CHECK(decode_header(frame(FrameType::data, 0, 0, 0)).error().is(YamuxError::bad_stream_id));
  CHECK(decode_header(frame(FrameType::ping, 0, 1, 0)).error().is(YamuxError::bad_stream_id));
  CHECK(decode_header(frame(FrameType::go_away, 0, 2, 0)).error().is(YamuxError::bad_stream_id));
}

TEST_CASE("yamux: dialers open odd streams and listeners even ones, SYN alone or with data") {
  Peer dialer(Role::dialer);
  Peer listener(Role::listener);
  CHECK(dialer.session.open_stream() == StreamId{1});
  CHECK(is(dialer.only_frame(), k_update, k_flag_syn, 1, 0));
  CHECK(listener.session.open_stream() == StreamId{2});
  CHECK(is(listener.only_frame(), k_update, k_flag_syn, 2, 0));

  CHECK(dialer.session.open_stream() == StreamId{3});
  REQUIRE(dialer.session.write(StreamId{3}, Bytes{1, 2, 3}));
  CHECK(is(dialer.only_frame(), FrameType::data, k_flag_syn, 3, 3));
}

TEST_CASE("yamux: inbound streams are acknowledged once, alone or with data") {
  Peer peer(Role::listener);
  peer.feed(window(k_flag_syn, 1));
  const auto events = peer.events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind == EventKind::opened);
  CHECK(events[0].stream == StreamId{1});
  CHECK(is(peer.only_frame(), k_update, k_flag_ack, 1, 0));
  CHECK(peer.frames().empty());

  peer.feed(data(k_flag_syn, 3, {7}));
  REQUIRE(peer.session.write(StreamId{3}, Bytes{8}));
  CHECK(is(peer.only_frame(), FrameType::data, k_flag_ack, 3, 1));
  CHECK(peer.read(StreamId{3}, 10) == 1);
}

TEST_CASE("yamux: a SYN of the wrong parity or for an open stream ends the session") {
  CHECK(Peer(Role::listener).refused(window(k_flag_syn, 2)).is(YamuxError::bad_stream_id));
  CHECK(Peer(Role::dialer).refused(window(k_flag_syn, 1)).is(YamuxError::bad_stream_id));
  Peer peer(Role::listener);
  peer.feed(window(k_flag_syn, 1));
  CHECK(peer.refused(window(k_flag_syn, 1)).is(YamuxError::duplicate_stream));
}

TEST_CASE("yamux: after an error there is a go-away, and every call returns the error") {
  Peer peer(Role::listener);
  peer.feed(window(k_flag_syn, 1));
  CHECK(peer.refused(frame(FrameType{9}, 0, 0, 0)).is(YamuxError::bad_type));
  CHECK(is(peer.only_frame(), FrameType::go_away, 0, 0, 1));
  CHECK_FALSE(peer.session.wants_transmit());
  CHECK(peer.events().empty());
  CHECK(peer.refused({}).is(YamuxError::bad_type));
  CHECK(peer.session.open_stream().error().is(YamuxError::bad_type));
  CHECK(peer.session.write(StreamId{1}, Bytes{1}).error().is(YamuxError::bad_type));
  CHECK(peer.session.on_deadline(1h).error().is(YamuxError::bad_type));
  CHECK_FALSE(peer.session.next_deadline());
  peer.session.release(StreamId{1});
}

TEST_CASE("yamux: half-close both ways, then closed, then gone") {
  Peer peer(Role::dialer);
  const auto stream = *peer.session.open_stream();
  REQUIRE(peer.session.write(stream, Bytes{1, 2}));
  REQUIRE(peer.session.close_write(stream));
  REQUIRE(peer.session.close_write(stream));
  CHECK(peer.session.write(stream, Bytes{3}).error().is(YamuxError::stream_closed));
  const auto frames = peer.frames();
  REQUIRE(frames.size() == 2);
  CHECK(is(frames[0].header, FrameType::data, k_flag_syn, 1, 2));
  CHECK(is(frames[1].header, k_update, k_flag_fin, 1, 0));

  peer.feed(data(k_flag_ack | k_flag_fin, 1, {9, 9}));
  const auto events = peer.events();
  REQUIRE(events.size() == 2);
  CHECK(events[0].kind == EventKind::readable);
  CHECK(events[1].kind == EventKind::closed);
  Bytes into(10);
  CHECK(peer.session.read(stream, into)->count == 2);
  CHECK(peer.session.read(stream, into)->at_end);
  peer.session.release(stream);
  CHECK(peer.session.read(stream, into).error().is(YamuxError::unknown_stream));
  CHECK(peer.session.outbound_streams() == 0);
  CHECK(peer.frames().empty());
}

TEST_CASE("yamux: a peer's reset carries its code, and takes what was not complete") {
  Peer peer(Role::listener);
  peer.feed(data(k_flag_syn, 1, {1}));
  peer.feed(window(k_flag_rst, 1, 0x1001));
  const auto events = peer.events();
  REQUIRE(events.size() == 3);
  CHECK(events[2].kind == EventKind::reset);
  CHECK(events[2].code == 0x1001);
  Bytes into(10);
  const auto read = peer.session.read(StreamId{1}, into);
  CHECK(read.error().is(YamuxError::stream_reset));
  CHECK(read.error().detail() == 0x1001);
  CHECK(peer.session.write(StreamId{1}, into).error().is(YamuxError::stream_reset));
  CHECK(peer.session.close_write(StreamId{1}).error().is(YamuxError::stream_reset));
  CHECK(peer.frames().empty());

  // Behind FIN, everything was received already.
  peer.feed(data(k_flag_syn | k_flag_fin, 3, {1, 2, 3}));
  peer.feed(data(k_flag_rst, 3, {}));
  CHECK(peer.read(StreamId{3}, 10) == 3);
  CHECK(peer.session.read(StreamId{3}, into)->at_end);
}

TEST_CASE("yamux: our reset carries a code when that is configured, and drops what arrives") {
  Peer peer(Role::listener);
  peer.feed(data(k_flag_syn, 1, {1}));
  peer.frames();
  peer.session.reset(StreamId{1}, 77);
  peer.session.reset(StreamId{1}, 78);
  CHECK(is(peer.only_frame(), k_update, k_flag_rst, 1, 77));
  peer.feed(data(0, 1, {1, 2, 3}));
  Bytes into(10);
  CHECK(peer.session.read(StreamId{1}, into).error().is(YamuxError::stream_closed));
  CHECK(peer.session.write(StreamId{1}, into).error().is(YamuxError::stream_closed));
  CHECK(peer.session.close_write(StreamId{1}).error().is(YamuxError::stream_closed));

  auto config = quiet();
  config.send_reset_codes = false;
  Peer plain(Role::listener, config);
  plain.feed(window(k_flag_syn, 1));
  plain.frames();
  plain.session.reset(StreamId{1}, 77);
  CHECK(is(plain.only_frame(), k_update, k_flag_rst, 1, 0));
}

TEST_CASE("yamux: release resets an open stream, and lets a closed one finish") {
  Peer peer(Role::dialer);
  const auto unsent = *peer.session.open_stream();
  peer.session.release(unsent);
  CHECK(peer.frames().empty());

  const auto open = *peer.session.open_stream();
  peer.frames();
  peer.session.release(open);
  CHECK(is(peer.only_frame(), k_update, k_flag_rst, 3, 0));

  const auto closed = *peer.session.open_stream();
  REQUIRE(peer.session.write(closed, Bytes{1, 2, 3}));
  REQUIRE(peer.session.close_write(closed));
  peer.session.release(closed);
  CHECK(peer.session.write(closed, Bytes{1}).error().is(YamuxError::unknown_stream));
  CHECK(peer.frames().size() == 2);
  CHECK(peer.session.outbound_streams() == 0);

  // Further data of the peer is refused, once for what was under way.
  peer.feed(data(0, 5, {1}));
  peer.feed(data(0, 5, {2}));
  CHECK(is(peer.only_frame(), k_update, k_flag_rst, 5, 0));
  peer.feed(window(0, 5, 100));
  peer.feed(data(k_flag_rst, 5, {}));
  CHECK(peer.frames().empty());
}

TEST_CASE("yamux: go-away refuses new streams on both sides and leaves open ones alone") {
  Peer peer(Role::listener);
  peer.feed(window(k_flag_syn, 1));
  peer.frames();
  peer.session.go_away(GoAwayCode::normal);
  peer.session.go_away(GoAwayCode::internal_error);
  CHECK(is(peer.only_frame(), FrameType::go_away, 0, 0, 0));
  peer.feed(window(k_flag_syn, 3));
  CHECK(is(peer.only_frame(), k_update, k_flag_rst, 3, 0));
  CHECK(peer.session.open_stream().error().is(YamuxError::going_away));
  peer.feed(data(0, 1, {1}));
  CHECK(peer.read(StreamId{1}, 10) == 1);

  Peer other(Role::dialer);
  other.feed(frame(FrameType::go_away, 0, 0, 2));
  other.feed(frame(FrameType::go_away, 0, 0, 2));
  const auto events = other.events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind == EventKind::go_away);
  CHECK(events[0].code == 2);
  CHECK(other.session.open_stream().error().is(YamuxError::going_away));
}

TEST_CASE("yamux: pings are echoed; ours measure, keep alive and find silence") {
  Peer peer(Role::dialer);
  peer.feed(frame(FrameType::ping, k_flag_syn, 0, 0xabcd));
  CHECK(is(peer.only_frame(), FrameType::ping, k_flag_ack, 0, 0xabcd));
  peer.feed(frame(FrameType::ping, k_flag_ack, 0, 5));
  CHECK(peer.events().empty());
  CHECK_FALSE(peer.session.next_deadline());

  Peer alive(Role::dialer, {});
  const auto first = alive.only_frame();
  CHECK(is(first, FrameType::ping, k_flag_syn, 0, 0));
  CHECK(alive.session.next_deadline() == 10s);
  alive.now = 80ms;
  alive.feed(frame(FrameType::ping, k_flag_ack, 0, first.length));
  const auto events = alive.events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind == EventKind::pong);
  CHECK(events[0].rtt == 80ms);
  CHECK(alive.session.rtt() == 80ms);
  CHECK(alive.session.next_deadline() == 30s + 80ms);
  REQUIRE(alive.session.on_deadline(1s));
  CHECK(alive.frames().empty());
  REQUIRE(alive.session.on_deadline(31s));
  CHECK(is(alive.only_frame(), FrameType::ping, k_flag_syn, 0, 1));
  alive.session.ping(32s);
  CHECK(alive.frames().empty());
  CHECK(alive.session.next_deadline() == 41s);
  REQUIRE(alive.session.on_deadline(40s));
  // Other bytes show life, silence ends the session.
  alive.feed(frame(FrameType::ping, k_flag_syn, 0, 1));
  REQUIRE(alive.session.on_deadline(41s));
  CHECK(alive.session.next_deadline() == 51s);
  CHECK(alive.session.on_deadline(51s).error().is(YamuxError::ping_timeout));
}
