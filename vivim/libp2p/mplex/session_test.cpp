#include "vivim/libp2p/mplex/session.hpp"

#include <algorithm>

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::libp2p::mplex;
using namespace std::chrono_literals;

namespace {

Bytes sent_by(Session& session) {
  Bytes all;
  Bytes out(std::size_t{32} * 1024);
  for (std::size_t count = session.poll_transmit(out); count > 0;
       count = session.poll_transmit(out)) {
    append(all, BytesView(out).first(count));
  }
  return all;
}

void pass(Session& from, Session& to, Time now = {}) {
  REQUIRE(to.feed(sent_by(from), now));
}

std::vector<Event> events_of(Session& session) {
  std::vector<Event> all;
  while (const auto event = session.poll_event()) {
    all.push_back(*event);
  }
  return all;
}

bool has(const std::vector<Event>& events, EventKind kind) {
  return std::ranges::find(events, kind, &Event::kind) != events.end();
}

std::string read_all(Session& session, StreamId id) {
  std::string all;
  Bytes into(1000);
  for (;;) {
    const auto outcome = session.read(id, into);
    REQUIRE(outcome);
    if (outcome->count == 0) {
      return all + (outcome->at_end ? "|" : "");
    }
    all += as_text(BytesView(into).first(outcome->count));
  }
}

Bytes message(std::uint64_t stream, Flag flag, BytesView data) {
  Bytes out(k_header_bytes_max);
  out.resize(encode_header(
      out, {.stream = stream, .flag = flag, .length = static_cast<std::uint32_t>(data.size())}));
  append(out, data);
  return out;
}

Error error_of(Session& session, BytesView bytes) {
  const auto fed = session.feed(bytes, {});
  REQUIRE_FALSE(fed);
  return fed.error();
}

Error read_error(Session& session, StreamId id) {
  std::uint8_t into[1];
  const auto outcome = session.read(id, into);
  REQUIRE_FALSE(outcome);
  return outcome.error();
}

/// The other side's name for a stream.
StreamId there(StreamId id) {
  return {.number = id.number, .ours = !id.ours};
}

}  // namespace

TEST_CASE("session: a stream from its opening to its end") {
  Session a({});
  Session b({});
  const auto id = a.open_stream("name");
  REQUIRE(id);
  CHECK(a.write(*id, as_bytes("hello")).value() == 5);
  REQUIRE(a.close_write(*id));
  const Bytes wire = sent_by(a);
  CHECK(to_hex(wire) ==
        "00046e616d65"
        "020568656c6c6f"
        "0400");
  REQUIRE(b.feed(wire, {}));
  const auto events = events_of(b);
  REQUIRE(has(events, EventKind::opened));
  const StreamId at_b = events.front().stream;
  CHECK(at_b == there(*id));
  CHECK(b.name(at_b) == "name");
  CHECK(read_all(b, at_b) == "hello|");
  CHECK(b.write(at_b, as_bytes("world")).value() == 5);
  REQUIRE(b.close_write(at_b));
  const Bytes answer = sent_by(b);
  CHECK(to_hex(answer) ==
        "0105776f726c64"
        "0300");
  REQUIRE(a.feed(answer, {}));
  CHECK(read_all(a, *id) == "world|");
  CHECK(has(events_of(a), EventKind::closed));
  CHECK(has(events_of(b), EventKind::closed));
  CHECK(a.write(*id, as_bytes("x")).error().is(MplexError::stream_closed));
  a.release(*id);
  b.release(at_b);
  CHECK(a.outbound_streams() == 0);
  CHECK(b.inbound_streams() == 0);
  CHECK(sent_by(a).empty());
  CHECK(sent_by(b).empty());
}

TEST_CASE("session: both sides may use the same number") {
  Session a({});
  Session b({});
  const auto from_a = a.open_stream().value();
  const auto from_b = b.open_stream().value();
  CHECK(from_a.number == from_b.number);
  REQUIRE(a.write(from_a, as_bytes("A")));
  REQUIRE(b.write(from_b, as_bytes("B")));
  pass(a, b);
  pass(b, a);
  CHECK(read_all(b, there(from_a)) == "A");
  CHECK(read_all(a, there(from_b)) == "B");
}

TEST_CASE("session: bytes may come one by one") {
  Session a({});
  Session b({});
  const auto id = a.open_stream("some name").value();
  REQUIRE(a.write(id, as_bytes(std::string(300, 'x'))));
  REQUIRE(a.close_write(id));
  for (const std::uint8_t byte : sent_by(a)) {
    REQUIRE(b.feed(BytesView(&byte, 1), {}));
  }
  CHECK(b.name(there(id)) == "some name");
  CHECK(read_all(b, there(id)) == std::string(300, 'x') + "|");
}

TEST_CASE("session: resets of either side") {
  Session a({});
  Session b({});
  const auto id = a.open_stream().value();
  REQUIRE(a.write(id, as_bytes("lost")));
  pass(a, b);
  a.reset(id);
  a.reset(id);
  CHECK(read_error(a, id).is(MplexError::stream_closed));
  const Bytes wire = sent_by(a);
  CHECK(to_hex(wire) == "0600");
  REQUIRE(b.feed(wire, {}));
  CHECK(has(events_of(b), EventKind::reset));
  CHECK(read_error(b, there(id)).is(MplexError::stream_reset));
  CHECK(b.write(there(id), as_bytes("x")).error().is(MplexError::stream_reset));
  b.release(there(id));
  CHECK(sent_by(b).empty());
  CHECK(b.inbound_streams() == 0);
}

TEST_CASE("session: a reset does not take what was complete") {
  Session a({});
  Session b({});
  const auto id = a.open_stream().value();
  REQUIRE(a.write(id, as_bytes("whole")));
  REQUIRE(a.close_write(id));
  pass(a, b);
  a.reset(id);
  pass(a, b);
  CHECK(read_all(b, there(id)) == "whole|");
}

TEST_CASE("session: a stream that was never sent is reset in silence") {
  Session a({});
  const auto id = a.open_stream().value();
  REQUIRE(a.write(id, as_bytes("never")));
  a.release(id);
  CHECK(sent_by(a).empty());
  CHECK(a.outbound_streams() == 0);
}

TEST_CASE("session: what is released after close_write still leaves") {
  Session a({});
  Session b({});
  const auto id = a.open_stream().value();
  REQUIRE(a.write(id, as_bytes("kept")));
  REQUIRE(a.close_write(id));
  a.release(id);
  CHECK(a.outbound_streams() == 1);
  pass(a, b);
  CHECK(a.outbound_streams() == 0);
  CHECK(read_all(b, there(id)) == "kept|");
  REQUIRE(b.write(there(id), as_bytes("too late")));
  pass(b, a);  // dropped
  CHECK(events_of(a).empty());
  CHECK(read_error(a, id).is(MplexError::unknown_stream));
}

TEST_CASE("session: what breaks the protocol ends it") {
  const auto fresh = [](Bytes bytes) {
    Session session({});
    const auto error = error_of(session, bytes);
    CHECK(session.feed({}, {}).error().code() == error.code());  // and stays so
    CHECK_FALSE(session.open_stream());
    return error;
  };
  CHECK(fresh({0x07, 0x00}).is(MplexError::bad_flag));
  CHECK(fresh(Bytes(10, 0xff)).is(MplexError::bad_header));
  CHECK(fresh({0x02, 0x81, 0x80, 0x40}).is(MplexError::message_too_long));
  CHECK(fresh(message(1, Flag::new_stream, Bytes(k_name_bytes_max + 1)))
            .is(MplexError::name_too_long));
  Bytes twice = message(1, Flag::new_stream, {});
  append(twice, message(1, Flag::new_stream, {}));
  CHECK(fresh(twice).is(MplexError::duplicate_stream));
}

TEST_CASE("session: a name and a message of the largest size are taken") {
  Session session({});
  REQUIRE(session.feed(message(1, Flag::new_stream, Bytes(k_name_bytes_max, 'n')), {}));
  REQUIRE(session.feed(message(1, Flag::message_initiator, Bytes(k_message_bytes_max)), {}));
  CHECK(session.name({.number = 1}).size() == k_name_bytes_max);
}

TEST_CASE("session: messages for streams that are not there are dropped") {
  Session session({});
  REQUIRE(session.feed(message(5, Flag::message_initiator, as_bytes("x")), {}));
  REQUIRE(session.feed(message(5, Flag::message_receiver, as_bytes("x")), {}));
  REQUIRE(session.feed(message(5, Flag::close_receiver, {}), {}));
  REQUIRE(session.feed(message(5, Flag::reset_initiator, as_bytes("a reason")), {}));
  CHECK(events_of(session).empty());
  CHECK(sent_by(session).empty());
}

//= mplex#closing-a-stream
//= type=test
// # Writing to a stream after it has been closed is a protocol violation.
TEST_CASE("session: data behind the end of a stream resets it") {
  Session session({});
  REQUIRE(session.feed(message(1, Flag::new_stream, {}), {}));
  REQUIRE(session.feed(message(1, Flag::close_initiator, {}), {}));
  REQUIRE(session.feed(message(1, Flag::message_initiator, as_bytes("more")), {}));
  CHECK(has(events_of(session), EventKind::reset));
  CHECK(to_hex(sent_by(session)) == "0d00");
}

TEST_CASE("session: limits on streams (CVE-2022-23492, CVE-2022-23487)") {
  Session a({.outbound_streams_max = 3});
  Session b({.inbound_streams_max = 2});
  std::vector<StreamId> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(a.open_stream().value());
  }
  CHECK(a.open_stream().error().is(MplexError::too_many_streams));
  pass(a, b);
  CHECK(b.inbound_streams() == 2);
  pass(b, a);  // the third was refused
  CHECK(has(events_of(a), EventKind::reset));
  CHECK(read_error(a, ids[2]).is(MplexError::stream_reset));
  a.release(ids[2]);
  CHECK(has(events_of(a), EventKind::can_open));
  CHECK(a.open_stream());
}

TEST_CASE("session: limit on answers that the peer does not read (CVE-2022-23486)") {
  Session session({.inbound_streams_max = 1});
  Result<void> fed;
  std::size_t count = 0;
  for (; fed && count < k_control_bytes_max; ++count) {
    fed = session.feed(message(count, Flag::new_stream, {}), {});
  }
  REQUIRE_FALSE(fed);
  CHECK(fed.error().is(MplexError::control_flood));
}

TEST_CASE("session: write takes what the buffer holds, and tells when there is room") {
  Session a({.send_buffer_bytes_max = 100});
  const auto id = a.open_stream().value();
  CHECK(a.write(id, Bytes(70)).value() == 70);
  CHECK(a.write(id, Bytes(70)).value() == 30);
  CHECK(a.write(id, Bytes(70)).value() == 0);
  CHECK_FALSE(has(events_of(a), EventKind::writable));
  CHECK(sent_by(a).size() > 100);
  CHECK(has(events_of(a), EventKind::writable));
  CHECK(a.write(id, Bytes(70)).value() == 70);
}

TEST_CASE("session: a full stream stops the input until it is read") {
  Session b({.receive_buffer_bytes_max = 1000});
  REQUIRE(b.feed(message(1, Flag::new_stream, {}), {}));
  REQUIRE(b.feed(message(1, Flag::message_initiator, Bytes(999)), 1s));
  CHECK(b.wants_input());
  CHECK_FALSE(b.next_deadline());
  REQUIRE(b.feed(message(1, Flag::message_initiator, Bytes(1)), 1s));
  CHECK_FALSE(b.wants_input());
  CHECK(b.next_deadline() == 6s);
  Bytes into(1);
  CHECK(b.read({.number = 1}, into).value().count == 1);
  CHECK(b.wants_input());
  CHECK_FALSE(b.next_deadline());
}

TEST_CASE("session: a slow reader loses its stream, the others go on") {
  Session b({.receive_buffer_bytes_max = 1000});
  REQUIRE(b.feed(message(1, Flag::new_stream, {}), {}));
  REQUIRE(b.feed(message(2, Flag::new_stream, {}), {}));
  REQUIRE(b.feed(message(1, Flag::message_initiator, Bytes(5000)), 1s));
  events_of(b);
  b.on_deadline(5s);
  CHECK_FALSE(b.wants_input());
  b.on_deadline(6s);
  CHECK(b.wants_input());
  const auto events = events_of(b);
  REQUIRE(has(events, EventKind::reset));
  CHECK(events.front().stream == StreamId{.number = 1});
  CHECK(read_error(b, {.number = 1}).is(MplexError::slow_reader));
  CHECK(to_hex(sent_by(b)) == "0d00");
  REQUIRE(b.feed(message(2, Flag::message_initiator, as_bytes("on")), 7s));
  CHECK(read_all(b, {.number = 2}) == "on");
  b.release({.number = 1});
  CHECK(b.inbound_streams() == 1);
}

TEST_CASE("session: streams take turns") {
  Session a({});
  const auto large = a.open_stream().value();
  const auto small = a.open_stream().value();
  REQUIRE(a.write(large, Bytes(200'000)));
  REQUIRE(a.write(small, as_bytes("now")));
  Bytes out(std::size_t{40} * 1024);
  out.resize(a.poll_transmit(out));
  CHECK(as_text(out).find("now") != std::string_view::npos);
}

TEST_CASE("session: a number that the peer uses again is another stream") {
  Session b({});
  for (int i = 0; i < 3; ++i) {
    REQUIRE(b.feed(message(1, Flag::new_stream, {}), {}));
    REQUIRE(b.write({.number = 1}, as_bytes("answer")));
    REQUIRE(b.feed(message(1, Flag::reset_initiator, {}), {}));
    b.release({.number = 1});
    CHECK_FALSE(b.wants_transmit());
  }
}

TEST_CASE("session: the memory that is held is known, and gone when the session is given up") {
  Session b({});
  CHECK(b.held_bytes() == 0);
  REQUIRE(b.feed(message(1, Flag::new_stream, {}), {}));
  REQUIRE(b.feed(message(1, Flag::message_initiator, Bytes(90'000)), {}));
  CHECK(b.write({.number = 1}, Bytes(50'000)).value() == 50'000);
  CHECK(b.held_bytes() >= 140'000);
  CHECK(b.held_bytes() <= 300'000);
  CHECK(read_all(b, {.number = 1}).size() == 90'000);
  CHECK(b.held_bytes() <= 110'000);
  b.abandon();
  CHECK(b.held_bytes() == 0);
  CHECK(b.inbound_streams() == 0);
  CHECK(b.wants_input());
  CHECK(read_error(b, {.number = 1}).is(MplexError::stream_reset));
}
