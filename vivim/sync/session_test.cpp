#include "vivim/sync/session.hpp"

#include <doctest/doctest.h>

#include "vivim/base/varint.hpp"
#include "vivim/crdt/lib0.hpp"

using namespace vivim;
using namespace vivim::sync;
using crdt::protocol::SyncType;

namespace {

SessionOptions options(Side side, std::uint8_t own, std::uint8_t other,
                       Version version = Version::v1_2) {
  SessionOptions out{
      .side = side, .own_peer = Bytes(34, own), .other_peer = Bytes(34, other), .version = version};
  out.nonce.fill(own);
  out.agent = "test/" + std::to_string(own);
  return out;
}

/// Two sessions joined by a wire that a test can stop and look at.
struct SessionPair {
  Session a;
  Session b;

  explicit SessionPair(Version version = Version::v1_2)
      : a(options(Side::dialer, 1, 2, version)), b(options(Side::listener, 2, 1, version)) {}

  void pump() {
    for (int turn = 0; turn < 8; ++turn) {
      const auto to_b = a.take_output();
      REQUIRE(b.feed(to_b));
      const auto to_a = b.take_output();
      REQUIRE(a.feed(to_a));
    }
  }
};

template <class Event>
Event expect(Session& session) {
  const auto event = session.poll_event();
  REQUIRE(event);
  REQUIRE(std::holds_alternative<Event>(*event));
  return std::get<Event>(*event);
}

GrantSecret secret(std::uint8_t byte) {
  return GrantSecret(Bytes(k_grant_secret_bytes, byte));
}

constexpr store::DocumentId k_shared_document{{7, 7}};
constexpr store::GrantId k_grant{{9}};

/// A pair with one document open.
struct OpenPair : SessionPair {
  ChannelId channel{};
  OpenPair() {
    channel = *a.open(k_shared_document, k_grant, secret(5));
    pump();
    (void)expect<Greeted>(a);
    (void)expect<Greeted>(b);
    const auto request = expect<OpenRequested>(b);
    REQUIRE(request.document == k_shared_document);
    REQUIRE(b.accept(request.channel, secret(5), store::Access::write));
    pump();
    REQUIRE(expect<ChannelOpened>(a).channel == channel);
  }
};

Bytes frame_bytes(const Frame& frame) {
  Bytes out;
  append_frame(out, frame);
  return out;
}

/// The frames of some output.
std::vector<Bytes> bodies_of(BytesView wire) {
  std::vector<Bytes> bodies;
  FrameReader reader;
  reader.feed(wire);
  for (;;) {
    const auto body = reader.next(k_frame_bytes_max);
    REQUIRE(body);
    if (!*body) {
      return bodies;
    }
    bodies.push_back(to_bytes(**body));
  }
}

/// The sealed state vectors of the `open` frames in some output.
std::vector<Bytes> states_of(BytesView wire) {
  std::vector<Bytes> states;
  for (const Bytes& body : bodies_of(wire)) {
    const auto frame = decode_frame(body);
    REQUIRE(frame);
    if (const auto* open = std::get_if<OpenFrame>(&*frame)) {
      states.push_back(to_bytes(open->state));
    }
  }
  return states;
}

const Bytes k_state_vector = to_bytes(std::string_view("a state vector of some clients"));

/// Both greet; what `a` says then.
Bytes opening(SessionPair& pair) {
  REQUIRE(pair.b.feed(pair.a.take_output()));
  REQUIRE(pair.a.feed(pair.b.take_output()));
  (void)expect<Greeted>(pair.a);
  (void)expect<Greeted>(pair.b);
  return pair.a.take_output();
}

}  // namespace

TEST_CASE("session: a state vector goes with an open, and is read when the proof was right") {
  SessionPair pair;
  const auto channel = *pair.a.open(k_shared_document, k_grant, secret(5), k_state_vector);
  const auto wire = opening(pair);
  CHECK(as_text(wire).find("state") == std::string_view::npos);
  CHECK(states_of(wire).at(0).size() == k_state_vector.size() + 16);
  REQUIRE(pair.b.feed(wire));
  const auto request = expect<OpenRequested>(pair.b);
  CHECK_FALSE(pair.b.poll_event());  // who asks is asked first
  REQUIRE(pair.b.accept(request.channel, secret(5), store::Access::read));
  const auto step = expect<StepOne>(pair.b);
  CHECK(step.channel == channel);
  CHECK(step.state_vector == k_state_vector);
  // The answer comes with the acceptance, in one go.
  pair.b.send_sync(channel, SyncType::step2, Bytes{0, 0});
  REQUIRE(pair.a.feed(pair.b.take_output()));
  CHECK(expect<ChannelOpened>(pair.a).state_sent);
  CHECK(expect<UpdateReceived>(pair.a).answer);
}

TEST_CASE("session: the side that listens opens with its state vector too") {
  SessionPair pair;
  const auto channel = *pair.b.open(k_shared_document, k_grant, secret(5), k_state_vector);
  pair.pump();
  (void)expect<Greeted>(pair.a);
  REQUIRE(pair.a.accept(expect<OpenRequested>(pair.a).channel, secret(5), store::Access::write));
  CHECK(expect<StepOne>(pair.a).state_vector == k_state_vector);
  pair.pump();
  (void)expect<Greeted>(pair.b);
  const auto opened = expect<ChannelOpened>(pair.b);
  CHECK(opened.channel == channel);
  CHECK(opened.state_sent);
}

TEST_CASE(
    "session: without a state vector, or with a long one, it comes when the channel is open") {
  for (const std::size_t bytes : {std::size_t{0}, k_open_state_bytes_max - 15}) {
    SessionPair pair;
    (void)*pair.a.open(k_shared_document, k_grant, secret(5), Bytes(bytes, 1));
    const auto wire = opening(pair);
    CHECK(states_of(wire).at(0).empty());
    REQUIRE(pair.b.feed(wire));
    REQUIRE(pair.b.accept(expect<OpenRequested>(pair.b).channel, secret(5), store::Access::write));
    CHECK_FALSE(pair.b.poll_event());
    pair.pump();
    CHECK_FALSE(expect<ChannelOpened>(pair.a).state_sent);
  }
  const Bytes proof(32, 0);
  const Bytes longest(k_open_state_bytes_max, 1);
  const Bytes longer(k_open_state_bytes_max + 1, 1);
  const auto decoded = [&](BytesView state) {
    const auto wire = frame_bytes(OpenFrame{.proof = proof, .state = state});
    return decode_frame(bodies_of(wire).at(0)).has_value();
  };
  CHECK(decoded(longest));
  CHECK_FALSE(decoded(longer));
}

TEST_CASE("session: earlier versions neither send a state vector with an open nor take one") {
  for (const Version version : {Version::v1_0, Version::v1_1}) {
    SessionPair pair(version);
    (void)*pair.a.open(k_shared_document, k_grant, secret(5), k_state_vector);
    const auto wire = opening(pair);
    REQUIRE(states_of(wire) == std::vector<Bytes>{Bytes()});
    REQUIRE(pair.b.feed(wire));
    REQUIRE(pair.b.accept(expect<OpenRequested>(pair.b).channel, secret(5), store::Access::write));
    CHECK_FALSE(pair.b.poll_event());
    pair.pump();
    CHECK_FALSE(expect<ChannelOpened>(pair.a).state_sent);
  }
  // As if the versions were mixed up.
  SessionPair newer;
  (void)*newer.a.open(k_shared_document, k_grant, secret(5), k_state_vector);
  SessionPair older(Version::v1_1);
  (void)opening(older);
  REQUIRE(older.b.feed(opening(newer)));
  REQUIRE(older.b.accept(expect<OpenRequested>(older.b).channel, secret(5), store::Access::write));
  CHECK_FALSE(older.b.poll_event());
}

TEST_CASE("session: who does not hold the secret cannot read the state vector, nor change it") {
  SessionPair pair;
  (void)*pair.a.open(k_shared_document, k_grant, secret(5), k_state_vector);
  (void)*pair.a.open(k_shared_document, k_grant, secret(5), k_state_vector);
  (void)*pair.a.open(k_shared_document, k_grant, secret(5), k_state_vector);
  const auto wire = opening(pair);
  const auto states = states_of(wire);
  REQUIRE(states.size() == 3);
  CHECK(states[0] != states[1]);  // never the same key stream twice
  REQUIRE(pair.b.feed(wire));
  const auto first = expect<OpenRequested>(pair.b);
  const auto second = expect<OpenRequested>(pair.b);
  CHECK_FALSE(pair.b.accept(first.channel, secret(6), store::Access::write));
  pair.b.refuse(second.channel);
  (void)expect<OpenRequested>(pair.b);
  CHECK_FALSE(pair.b.poll_event());

  SessionPair changed;
  (void)*changed.a.open(k_shared_document, k_grant, secret(5), k_state_vector);
  const auto body = bodies_of(opening(changed)).at(0);
  auto open = std::get<OpenFrame>(*decode_frame(body));
  Bytes state = to_bytes(open.state);
  SUBCASE("changed") {
    state.back() ^= 1;
  }
  SUBCASE("too short") {
    state.resize(3);
  }
  open.state = state;
  REQUIRE(changed.b.feed(frame_bytes(open)));
  CHECK_FALSE(
      changed.b.accept(expect<OpenRequested>(changed.b).channel, secret(5), store::Access::write));
  CHECK_FALSE(changed.b.poll_event());
  CHECK(changed.b.channels() == 0);
  REQUIRE(changed.a.feed(changed.b.take_output()));
  CHECK(expect<ChannelClosed>(changed.a).reason == Reason::malformed);
}

TEST_CASE("session: a document is opened by proof, and the secret is never on the wire") {
  SessionPair pair;
  const auto channel = *pair.a.open(k_shared_document, k_grant, secret(5));
  auto wire = pair.a.take_output();
  REQUIRE(pair.b.feed(wire));
  auto answer = pair.b.take_output();
  REQUIRE(pair.a.feed(answer));
  const auto open = pair.a.take_output();
  append(wire, open);
  CHECK(as_text(wire).find(std::string(8, '\5')) == std::string_view::npos);
  REQUIRE(pair.b.feed(open));
  CHECK(expect<Greeted>(pair.b).agent == "test/1");
  const auto request = expect<OpenRequested>(pair.b);
  CHECK(request.channel == channel);
  CHECK(pair.b.accept(request.channel, secret(5), store::Access::write));
  pair.pump();
  CHECK(pair.a.is_open(channel));
  CHECK(pair.b.is_open(channel));
}

TEST_CASE("session: a wrong secret is refused like an unknown document") {
  for (const bool known : {true, false}) {
    SessionPair pair;
    const auto channel = *pair.a.open(k_shared_document, k_grant, secret(5));
    pair.pump();
    (void)expect<Greeted>(pair.b);
    const auto request = expect<OpenRequested>(pair.b);
    if (known) {
      CHECK_FALSE(pair.b.accept(request.channel, secret(6), store::Access::write));
    } else {
      pair.b.refuse(request.channel);
    }
    pair.pump();
    (void)expect<Greeted>(pair.a);
    const auto closed = expect<ChannelClosed>(pair.a);
    CHECK(closed.channel == channel);
    CHECK(closed.reason == Reason::refused);
    CHECK(closed.detail.empty());
    CHECK(pair.b.channels() == 0);
  }
}

TEST_CASE("session: an impostor without the secret cannot open a document for us") {
  SessionPair pair;
  const auto channel = *pair.a.open(k_shared_document, k_grant, secret(5));
  pair.pump();
  (void)expect<Greeted>(pair.a);
  REQUIRE(pair.a.feed(frame_bytes(OpenedFrame{.channel = channel, .proof = Bytes(32, 1)})));
  CHECK(expect<ChannelClosed>(pair.a).reason == Reason::refused);
  CHECK_FALSE(pair.a.is_open(channel));
}

TEST_CASE("session: a proof does not work on another connection") {
  SessionPair first;
  (void)*first.a.open(k_shared_document, k_grant, secret(5));
  first.pump();
  // The same open frame, replayed to a session with another nonce.
  auto other = options(Side::listener, 2, 1);
  other.nonce.fill(99);
  Session replayed(std::move(other));
  Session victim(options(Side::dialer, 1, 2));
  (void)*victim.open(k_shared_document, k_grant, secret(5));
  REQUIRE(victim.feed(Session(options(Side::listener, 2, 1)).take_output()));
  REQUIRE(replayed.feed(victim.take_output()));
  (void)expect<Greeted>(replayed);
  CHECK_FALSE(
      replayed.accept(expect<OpenRequested>(replayed).channel, secret(5), store::Access::write));
}

TEST_CASE("session: sync, awareness, durable and blocks arrive as they were sent") {
  OpenPair pair;
  pair.a.send_sync(pair.channel, SyncType::step1, Bytes{0});
  pair.a.send_sync(pair.channel, SyncType::step2, Bytes{0, 0});
  pair.a.send_sync(pair.channel, SyncType::update, Bytes{1, 2, 3});
  pair.a.send_awareness(pair.channel, Bytes{4});
  pair.a.send_signed(pair.channel, Bytes{6, 7});
  pair.a.send_denied(pair.channel, std::string(2 * k_text_bytes_max, 'n'));
  pair.a.send_durable(pair.channel, Bytes{0});
  const auto blob = store::BlobId::of(as_bytes("x"));
  pair.a.send_want(pair.channel, {blob});
  pair.a.send_block(pair.channel, blob, as_bytes("x"));
  pair.a.send_block(pair.channel, blob, std::nullopt);
  pair.pump();
  CHECK(expect<StepOne>(pair.b).state_vector == Bytes{0});
  CHECK(expect<UpdateReceived>(pair.b).update == Bytes{0, 0});
  CHECK(expect<UpdateReceived>(pair.b).update == Bytes{1, 2, 3});
  CHECK(expect<AwarenessReceived>(pair.b).update == Bytes{4});
  CHECK(expect<SignedReceived>(pair.b).envelope == Bytes{6, 7});
  CHECK(expect<DeniedReceived>(pair.b).reason == std::string(k_text_bytes_max, 'n'));
  CHECK(expect<PeerDurable>(pair.b).state_vector == Bytes{0});
  CHECK(expect<BlocksWanted>(pair.b).blobs == std::vector{blob});
  CHECK(expect<BlockReceived>(pair.b).bytes == to_bytes("x"));
  CHECK_FALSE(expect<BlockReceived>(pair.b).bytes);
  pair.b.close(pair.channel, Reason::revoked, "no longer shared");
  pair.pump();
  const auto closed = expect<ChannelClosed>(pair.a);
  CHECK(closed.reason == Reason::revoked);
  CHECK(closed.detail == "no longer shared");
  CHECK_FALSE(pair.a.is_open(pair.channel));
}

TEST_CASE("session: bytes may come one at a time") {
  SessionPair pair;
  (void)*pair.a.open(k_shared_document, k_grant, secret(5));
  for (int turn = 0; turn < 4; ++turn) {
    for (const auto byte : pair.a.take_output()) {
      REQUIRE(pair.b.feed(BytesView(&byte, 1)));
    }
    for (const auto byte : pair.b.take_output()) {
      REQUIRE(pair.a.feed(BytesView(&byte, 1)));
    }
  }
  (void)expect<Greeted>(pair.b);
  CHECK(pair.b.accept(expect<OpenRequested>(pair.b).channel, secret(5), store::Access::write));
}

TEST_CASE("session: what ends it, and what it says then") {
  const auto error_of = [](Session& session, const Bytes& bytes) {
    const auto fed = session.feed(bytes);
    REQUIRE_FALSE(fed);
    REQUIRE(session.feed(bytes));  // deaf afterwards
    const auto out = session.take_output();
    FrameReader reader;
    reader.feed(out);
    std::optional<Frame> last;
    for (;;) {
      const auto body = reader.next(k_frame_bytes_max);
      REQUIRE(body);
      if (!*body) {
        break;
      }
      last = *decode_frame(**body);
    }
    REQUIRE(last);
    CHECK(std::holds_alternative<ByeFrame>(*last));
    return fed.error();
  };
  SUBCASE("frames before the greeting") {
    Session session(options(Side::listener, 2, 1));
    CHECK(error_of(session, frame_bytes(DurableFrame{})).is(SyncError::not_greeted));
  }
  SUBCASE("two greetings") {
    Session session(options(Side::listener, 2, 1));
    REQUIRE(session.feed(frame_bytes(HelloFrame{})));
    CHECK(error_of(session, frame_bytes(HelloFrame{})).is(SyncError::not_greeted));
  }
  SUBCASE("another version") {
    Session session(options(Side::listener, 2, 1));
    CHECK(error_of(session, frame_bytes(HelloFrame{.version = 2})).is(SyncError::bad_version));
  }
  SUBCASE("a long frame before the greeting") {
    Session session(options(Side::listener, 2, 1));
    Bytes bytes;
    append_varint(bytes, k_greeting_bytes_max + 1);
    CHECK(error_of(session, bytes).is(SyncError::frame_too_large));
  }
  SUBCASE("a long frame after it") {
    OpenPair pair;
    Bytes bytes;
    append_varint(bytes, k_frame_bytes_max + 1);
    CHECK(error_of(pair.b, bytes).is(SyncError::frame_too_large));
  }
  SUBCASE("a length that is no varint") {
    OpenPair pair;
    CHECK(error_of(pair.b, Bytes(10, 0xff)).is(SyncError::bad_frame));
  }
  SUBCASE("a body that does not decode") {
    OpenPair pair;
    CHECK(error_of(pair.b, Bytes{2, 1, 0}).is(SyncError::bad_frame));
  }
  SUBCASE("a channel of the other side, and one used before") {
    OpenPair pair;
    const Bytes proof(32, 0);
    CHECK(error_of(pair.b, frame_bytes(OpenFrame{.channel = ChannelId{1}, .proof = proof}))
              .is(SyncError::bad_channel));
    OpenPair again;
    CHECK(error_of(again.b, frame_bytes(OpenFrame{.channel = ChannelId{0}, .proof = proof}))
              .is(SyncError::bad_channel));
  }
  SUBCASE("opened without having asked") {
    OpenPair pair;
    CHECK(error_of(pair.b, frame_bytes(OpenedFrame{.channel = pair.channel, .proof = Bytes(32)}))
              .is(SyncError::bad_channel));
  }
}

TEST_CASE("session: limits on channels and refusals") {
  SessionPair pair;
  pair.pump();
  for (std::size_t i = 0; i < k_channels_max; ++i) {
    REQUIRE(pair.a.open(k_shared_document, k_grant, secret(5)));
  }
  const auto more = pair.a.open(k_shared_document, k_grant, secret(5));
  REQUIRE_FALSE(more);
  CHECK(more.error().is(SyncError::too_many_channels));

  SessionPair guessing;
  for (std::size_t i = 0; i < k_refusals_max; ++i) {
    REQUIRE(guessing.a.open(k_shared_document, k_grant, secret(static_cast<std::uint8_t>(i))));
  }
  guessing.pump();
  (void)expect<Greeted>(guessing.b);
  for (std::size_t i = 0; i < k_refusals_max; ++i) {
    CHECK_FALSE(guessing.b.accept(expect<OpenRequested>(guessing.b).channel, secret(77),
                                  store::Access::write));
  }
  guessing.pump();
  (void)expect<Greeted>(guessing.a);
  for (std::size_t i = 0; i < k_refusals_max; ++i) {
    (void)expect<ChannelClosed>(guessing.a);
  }
  CHECK(expect<Bye>(guessing.a).reason == Reason::refused);

  SessionPair flooding;
  flooding.pump();
  const Bytes proof(32, 0);
  Bytes flood;
  for (std::uint32_t i = 0; i <= k_channels_max; ++i) {
    append_frame(flood, OpenFrame{.channel = ChannelId{2 * i}, .proof = proof});
  }
  const auto fed = flooding.b.feed(flood);
  REQUIRE_FALSE(fed);
  CHECK(fed.error().is(SyncError::too_many_channels));
}

TEST_CASE("frame: blocks wanted in one frame are limited, unknown types and reasons tolerated") {
  crdt::lib0::Encoder many;
  many.var_uint(7);
  many.var_uint(0);
  many.var_uint(k_want_blocks_max + 1);
  CHECK(decode_frame(many.view()).error().is(SyncError::bad_frame));
  CHECK(std::holds_alternative<UnknownFrame>(*decode_frame(Bytes{42, 1, 2, 3})));
  crdt::lib0::Encoder close;
  close.var_uint(3);
  close.var_uint(0);
  close.var_uint(200);
  close.var_string("later");
  CHECK(std::get<CloseFrame>(*decode_frame(close.view())).reason == Reason::internal);
}
