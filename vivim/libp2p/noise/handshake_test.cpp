#include "vivim/libp2p/noise/handshake.hpp"

#include <array>

#include <doctest/doctest.h>

#include "vivim/base/varint.hpp"

using namespace vivim;
using namespace vivim::libp2p::noise;
using multiformats::PeerId;

namespace {

crypto::RandomSource counting(std::uint8_t first) {
  return [next = first](MutableBytes out) mutable {
    for (auto& byte : out) {
      byte = next++;
    }
  };
}

crypto::KeyPair key_pair(std::uint8_t byte) {
  return crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, byte)));
}

Identity identity(std::uint8_t byte) {
  return {key_pair(byte), counting(byte)};
}

/// A handshake between two peers, and its messages passed by hand.
struct Pair {
  explicit Pair(HandshakeOptions ours = {}, HandshakeOptions theirs = {})
      : initiator(identity(1), std::move(ours), counting(100)),
        responder(identity(2), as_responder(std::move(theirs)), counting(150)) {}

  static HandshakeOptions as_responder(HandshakeOptions options) {
    options.role = Role::responder;
    return options;
  }

  Result<std::size_t> to_responder() { return responder.feed(initiator.poll_transmit()); }
  Result<std::size_t> to_initiator() { return initiator.feed(responder.poll_transmit()); }
  void complete() {
    REQUIRE(to_responder());
    REQUIRE(to_initiator());
    REQUIRE(to_responder());
    REQUIRE(initiator.done());
    REQUIRE(responder.done());
  }

  Handshake initiator;
  Handshake responder;
};

/// A peer that does the pattern right and puts any payload into its message, as responder.
Result<std::size_t> answer_with(BytesView payload, Handshake& initiator) {
  Xx responder({.role = Role::responder,
                .static_key = crypto::X25519KeyPair::generate(counting(7)),
                .ephemeral_key = crypto::X25519KeyPair::generate(counting(9)),
                .prologue = {}});
  const Bytes first = initiator.poll_transmit();
  REQUIRE(responder.read(BytesView(first).subspan(k_frame_header_bytes)));
  Bytes answer(k_frame_header_bytes);
  REQUIRE(responder.write(payload, answer));
  store_be16(answer, static_cast<std::uint16_t>(answer.size() - k_frame_header_bytes));
  return initiator.feed(answer);
}

void append_field(Bytes& out, std::uint8_t number, BytesView value) {
  out.push_back(static_cast<std::uint8_t>(number << 3 | 2));
  append_varint(out, value.size());
  append(out, value);
}

}  // namespace

TEST_CASE("handshake: both sides learn who the other is, and can talk") {
  Pair pair({.expected_peer = identity(2).peer_id()});
  pair.complete();
  auto ours = pair.initiator.take_session();
  auto theirs = pair.responder.take_session();
  CHECK(ours.peer == identity(2).peer_id());
  CHECK(theirs.peer == identity(1).peer_id());
  CHECK(theirs.key == identity(1).public_key());
  CHECK_FALSE(ours.muxer);
  Bytes sealed;
  REQUIRE(ours.sender.seal(as_bytes("ping"), sealed));
  theirs.receiver.feed(sealed);
  CHECK(as_text(**theirs.receiver.next()) == "ping");
  sealed.clear();
  REQUIRE(theirs.sender.seal(as_bytes("pong"), sealed));
  ours.receiver.feed(sealed);
  CHECK(as_text(**ours.receiver.next()) == "pong");
}

TEST_CASE("handshake: byte by byte, and what follows is left to the session") {
  Pair pair;
  for (const std::uint8_t byte : pair.initiator.poll_transmit()) {
    CHECK(pair.responder.feed({&byte, 1}) == 1U);
  }
  for (const std::uint8_t byte : pair.responder.poll_transmit()) {
    CHECK(pair.initiator.feed({&byte, 1}) == 1U);
  }
  Bytes last = pair.initiator.poll_transmit();
  const std::size_t size = last.size();
  auto session = pair.initiator.take_session();
  REQUIRE(session.sender.seal(as_bytes("early"), last));
  CHECK(pair.responder.feed(last) == size);
  CHECK(pair.responder.feed(BytesView(last).subspan(size)) == 0U);
  auto theirs = pair.responder.take_session();
  theirs.receiver.feed(BytesView(last).subspan(size));
  CHECK(as_text(**theirs.receiver.next()) == "early");
}

TEST_CASE("handshake: the muxer is the initiator's first that the responder has") {
  const auto muxer = [](std::vector<std::string> ours, std::vector<std::string> theirs) {
    Pair pair({.muxers = std::move(ours)}, {.muxers = std::move(theirs)});
    pair.complete();
    const auto one = pair.initiator.take_session().muxer;
    CHECK(pair.responder.take_session().muxer == one);
    return one.value_or("none");
  };
  CHECK(muxer({"/a", "/b", "/c"}, {"/c", "/b"}) == "/b");
  CHECK(muxer({"/a"}, {"/b"}) == "none");
  CHECK(muxer({}, {"/b"}) == "none");
  CHECK(muxer({"/a"}, {}) == "none");
}

TEST_CASE("handshake: certificate hashes arrive, and prologues must agree") {
  Pair pair({.prologue = {1}}, {.webtransport_certhashes = {{1, 2}, {3}}, .prologue = {1}});
  pair.complete();
  CHECK(pair.initiator.take_session().webtransport_certhashes == std::vector<Bytes>{{1, 2}, {3}});
  Pair other({.prologue = {1}}, {.prologue = {2}});
  REQUIRE(other.to_responder());
  CHECK(other.to_initiator().error().is(NoiseError::cannot_decrypt));
}

TEST_CASE("handshake: another peer than expected is refused, by either side") {
  Pair pair({.expected_peer = identity(3).peer_id()});
  REQUIRE(pair.to_responder());
  CHECK(pair.to_initiator().error().is(NoiseError::wrong_peer));
  CHECK(pair.initiator.poll_transmit().empty());
  CHECK_FALSE(pair.initiator.done());
  CHECK(pair.initiator.feed({}).error().is(NoiseError::wrong_peer));
  Pair back({}, {.expected_peer = identity(3).peer_id()});
  REQUIRE(back.to_responder());
  REQUIRE(back.to_initiator());
  CHECK(back.to_responder().error().is(NoiseError::wrong_peer));
}

TEST_CASE("handshake: any damaged byte of any message ends it") {
  for (int message = 1; message < 3; ++message) {
    for (std::size_t at = k_frame_header_bytes;; ++at) {
      Pair pair;
      REQUIRE(pair.to_responder());
      Handshake* to = &pair.initiator;
      Bytes bytes = pair.responder.poll_transmit();
      if (message == 2) {
        REQUIRE(pair.initiator.feed(bytes));
        bytes = pair.initiator.poll_transmit();
        to = &pair.responder;
      }
      if (at == bytes.size()) {
        break;
      }
      bytes[at] ^= 0x01;
      const auto fed = to->feed(bytes);
      REQUIRE_FALSE(fed);
      CHECK(fed.error().is(NoiseError::cannot_decrypt));
      CHECK_FALSE(to->done());
    }
  }
}

TEST_CASE("handshake: messages too short, too long, or with an early payload") {
  const auto error = [](Bytes bytes) {
    Handshake responder(identity(2), {.role = Role::responder}, counting(1));
    const auto fed = responder.feed(bytes);
    REQUIRE_FALSE(fed);
    return fed.error();
  };
  CHECK(error({0, 0}).is(NoiseError::message_too_short));
  Bytes payload(k_frame_header_bytes + 33, 5);
  store_be16(payload, 33);
  CHECK(error(payload).is(NoiseError::unexpected_payload));
  Bytes long_one(k_frame_header_bytes);
  store_be16(long_one, k_handshake_message_max + 1);
  CHECK(error(long_one).is(NoiseError::message_too_long));
  for (const std::size_t size : {31UL, 32UL, 79UL, 80UL, 95UL}) {
    Handshake initiator(identity(1), {}, counting(1));
    Bytes answer(k_frame_header_bytes + size, 5);
    store_be16(answer, static_cast<std::uint16_t>(size));
    const auto fed = initiator.feed(answer);
    REQUIRE_FALSE(fed);
    CHECK(fed.error().is(size < 80 ? NoiseError::message_too_short : NoiseError::cannot_decrypt));
  }
}

TEST_CASE("handshake: a low-order ephemeral key is refused") {
  Pair pair;
  Bytes zero(k_frame_header_bytes + 32);
  store_be16(zero, 32);
  CHECK(pair.responder.feed(zero).error().is(crypto::CryptoError::low_order_point));
  Bytes answer(k_frame_header_bytes + 96);
  store_be16(answer, 96);
  CHECK(pair.initiator.feed(answer).error().is(crypto::CryptoError::low_order_point));
}

TEST_CASE("handshake: payloads that are wrong inside") {
  const auto error = [](BytesView payload) {
    Handshake initiator(identity(1), {}, counting(1));
    const auto fed = answer_with(payload, initiator);
    REQUIRE_FALSE(fed);
    return fed.error();
  };
  CHECK(error(Bytes{0xff}).is(NoiseError::bad_payload));
  CHECK(error({}).is(multiformats::MultiformatsError::bad_key));
  const Bytes key = identity(2).public_key().encode();
  Bytes unsigned_payload;
  append_field(unsigned_payload, 1, key);
  CHECK(error(unsigned_payload).is(NoiseError::bad_identity_signature));
  // Signed by the right identity, but over another Noise key.
  Bytes stolen = unsigned_payload;
  Bytes message = to_bytes("noise-libp2p-static-key:");
  message.resize(message.size() + 32);
  append_field(stolen, 2, key_pair(2).sign(message));
  CHECK(error(stolen).is(NoiseError::bad_identity_signature));
  Bytes rsa;
  append_field(rsa, 1, Bytes{0x08, 0x00, 0x12, 0x01, 0x30});
  CHECK(error(rsa).is(crypto::CryptoError::bad_key));
}

TEST_CASE("handshake: identities of every key type are verified") {
  using multiformats::PrivateKey;
  std::vector<PrivateKey> keys;
  keys.emplace_back(crypto::EcdsaKeyPair::generate(crypto::Curve::p256, counting(3)));
  keys.emplace_back(crypto::EcdsaKeyPair::generate(crypto::Curve::secp256k1, counting(4)));
  keys.emplace_back(crypto::RsaKeyPair::generate(2048));
  for (const PrivateKey& key : keys) {
    const Identity other(key, counting(5));
    Handshake initiator(identity(1), {.expected_peer = other.peer_id()}, counting(1));
    Handshake responder(other, {.role = Role::responder}, counting(2));
    REQUIRE(responder.feed(initiator.poll_transmit()));
    REQUIRE(initiator.feed(responder.poll_transmit()));
    REQUIRE(initiator.done());
    CHECK(initiator.take_session().key == key.public_key());
    REQUIRE(responder.feed(initiator.poll_transmit()));
    CHECK(responder.done());
  }
}

TEST_CASE("handshake: extension limits") {
  const auto outcome = [](std::vector<std::string> muxers) {
    Pair pair({}, {.muxers = std::move(muxers)});
    REQUIRE(pair.to_responder());
    return pair.to_initiator();
  };
  const std::vector<std::string> most(k_extension_entries_max, "/m");
  CHECK(outcome(most));
  CHECK(outcome(std::vector<std::string>(k_extension_entries_max + 1, "/m"))
            .error()
            .is(NoiseError::bad_payload));
  CHECK(outcome({std::string(k_extension_entry_bytes_max, 'm')}));
  CHECK(outcome({std::string(k_extension_entry_bytes_max + 1, 'm')})
            .error()
            .is(NoiseError::bad_payload));
}

namespace {

/// One handshake of `us` with a peer of its own keys; whether we took the peer for who it is.
Result<std::size_t> meet(const Identity& us, const Identity& peer, std::uint8_t random) {
  Handshake initiator(us, {.muxers = {}}, counting(random));
  Handshake responder(peer, {.role = Role::responder}, counting(random));
  VIVIM_TRYV(responder.feed(initiator.poll_transmit()));
  return initiator.feed(responder.poll_transmit());
}

}  // namespace

TEST_CASE("handshake: a peer that comes back is proven by what was checked before") {
  const Identity us = identity(1);
  const Identity peer = identity(2);
  REQUIRE(meet(us, peer, 50));
  CHECK(us.proofs().size() == 1);
  REQUIRE(meet(us, peer, 60));
  CHECK(us.proofs().size() == 1);
  // The same identity from another process has another static key: checked, and remembered too.
  REQUIRE(meet(us, Identity(key_pair(2), counting(99)), 70));
  CHECK(us.proofs().size() == 2);
}

TEST_CASE("handshake: what was proven of one static key proves nothing of another") {
  const Identity us(key_pair(1), counting(1));
  const Identity peer(key_pair(2), counting(7));  // the static key of answer_with()
  REQUIRE(meet(us, peer, 50));
  Bytes signature = to_bytes(key_pair(2).sign(to_bytes("noise-libp2p-static-key:forged")));
  Bytes payload;
  append_field(payload, 1, peer.public_key().encode());
  append_field(payload, 2, signature);
  Handshake initiator(us, {.muxers = {}}, counting(100));
  CHECK(answer_with(payload, initiator).error().is(NoiseError::bad_identity_signature));
  CHECK(us.proofs().size() == 1);
}

TEST_CASE("handshake: what is remembered of peers is limited") {
  const Identity us = identity(1);
  for (std::size_t i = 0; i <= k_proofs_max; ++i) {
    std::array<std::uint8_t, 32> seed{};
    store_be16(seed, static_cast<std::uint16_t>(i));
    const Identity peer(crypto::KeyPair::from_seed(crypto::Ed25519Seed(BytesView(seed))),
                        counting(7));
    REQUIRE(meet(us, peer, 50));
  }
  CHECK(us.proofs().size() == k_proofs_max);
}
