#include "vivim/message/frame.hpp"

#include <doctest/doctest.h>

#include "vivim/base/varint.hpp"
#include "vivim/crypto/hpke.hpp"
#include "vivim/message/envelope.hpp"
#include "vivim/message/members_test_detail.hpp"
#include "vivim/message/sealed.hpp"
#include "vivim/rt/sim/engine.hpp"

using namespace vivim;
using namespace vivim::message;
using namespace vivim::message::test;

namespace {

Mail mail(std::uint64_t item, std::size_t bytes = 3) {
  return {.to = peer(1), .item = message_id(item), .expires_ms = 77, .sealed = Bytes(bytes, 's')};
}

crypto::RandomSource random_of(rt::sim::Engine& engine) {
  return [&engine](MutableBytes out) { engine.rng().fill(out); };
}

}  // namespace

TEST_CASE("frame: each kind reads as it was written") {
  const std::vector<Frame> frames{
      Send{.envelope = Bytes{1, 2}},
      Receipt{.id = message_id(3), .status = Status::full},
      Deposit{.mail = mail(4)},
      Fetch{},
      Fetch{.wait = true},
      Mails{.mails = {mail(5), mail(6)}},
      Mails{},
      Taken{.items = {message_id(7), message_id(8)}},
      Ask{.circle = CircleId{.bytes = {9}}, .sealed_clock = Bytes(40, 1)},
      Said{.envelopes = {Bytes{1}, Bytes{2, 3}}},
      Said{},
  };
  for (const auto& frame : frames) {
    const auto decoded = decode_frame(encode(frame));
    REQUIRE(decoded);
    CHECK(*decoded == frame);
  }
}

TEST_CASE("frame: what is none, and limits") {
  const auto error = [](const Frame& frame) {
    const auto decoded = decode_frame(encode(frame));
    REQUIRE_FALSE(decoded);
    return decoded.error();
  };
  for (const Bytes& none :
       {Bytes{}, Bytes{0xff}, Bytes{0x08, 0x06}, Bytes{0x08, 0x08}, Bytes{0x08, 0x01},
        Bytes{0x08, 0x02}, Bytes{0x08, 0x05, 0x3a, 0x01, 0x00}}) {
    CHECK(decode_frame(none).error().is(MessageError::malformed));
  }
  CHECK(error(Send{.envelope = Bytes(k_envelope_bytes_max + 1)}).is(MessageError::too_large));
  CHECK(error(Deposit{.mail = mail(1, k_sealed_bytes_max + 1)}).is(MessageError::too_large));
  CHECK(error(Mails{.mails = std::vector(k_mails_max + 1, mail(1))}).is(MessageError::too_large));
  CHECK(error(Taken{.items = std::vector<MessageId>(k_mails_max + 1)}).is(MessageError::too_large));
  CHECK(
      error(Ask{.sealed_clock = Bytes(k_sealed_clock_bytes_max + 1)}).is(MessageError::too_large));
  CHECK(
      error(Said{.envelopes = std::vector(k_mails_max + 1, Bytes{1})}).is(MessageError::too_large));
  CHECK(error(Said{.envelopes = {Bytes(k_envelope_bytes_max + 1)}}).is(MessageError::too_large));
  // A status of a later version is a refusal.
  Bytes receipt = encode(Receipt{.id = message_id(3), .status = Status::refused});
  receipt.back() = 99;
  CHECK(std::get<Receipt>(decode_frame(receipt).value()).status == Status::refused);
}

TEST_CASE("sealed: only the recipient opens a mail, and only as it was labelled") {
  rt::sim::Engine engine(1);
  const auto alice = key_pair(1);
  const Bytes envelope = to_bytes("hello");
  const MailLabel label{.to = peer(1), .item = message_id(5), .expires_ms = 99};
  const auto sealed = seal_mail(label, envelope, random_of(engine));
  REQUIRE(sealed);
  CHECK(open_mail(crypto::x25519_of(alice), *sealed).value() == envelope);
  CHECK_FALSE(open_mail(crypto::x25519_of(key_pair(2)), *sealed));
  for (int what = 0; what < 4; ++what) {
    Mail other = *sealed;
    switch (what) {
      case 0:
        other.to = peer(2);
        break;
      case 1:
        other.item = message_id(6);
        break;
      case 2:
        other.expires_ms = 100;
        break;
      default:
        other.sealed.back() ^= 1;
    }
    CHECK(open_mail(crypto::x25519_of(alice), other)
              .error()
              .is(crypto::CryptoError::authentication_failed));
  }
}

TEST_CASE("sealed: lengths tell little, the largest envelope fits, and its limit") {
  rt::sim::Engine engine(1);
  const MailLabel label{.to = peer(1), .item = message_id(5), .expires_ms = 99};
  const auto size_of = [&](std::size_t bytes) {
    return seal_mail(label, Bytes(bytes), random_of(engine))->sealed.size();
  };
  CHECK(size_of(1) == k_padding_bytes + crypto::k_hpke_overhead_bytes);
  CHECK(size_of(500) == size_of(1));
  CHECK(size_of(511) == 2 * k_padding_bytes + crypto::k_hpke_overhead_bytes);
  CHECK(size_of(k_envelope_bytes_max) <= k_sealed_bytes_max);
  CHECK(
      encode(
          Deposit{.mail = seal_mail(label, Bytes(k_envelope_bytes_max), random_of(engine)).value()})
          .size() <= k_frame_bytes_max);
  CHECK(seal_mail(label, Bytes(k_envelope_bytes_max + 1), random_of(engine))
            .error()
            .is(MessageError::too_large));
}

TEST_CASE("sealed: a recipient without an Ed25519 key, and a mail that is padding only") {
  rt::sim::Engine engine(1);
  const auto rsa = PeerId::parse("QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC").value();
  CHECK(seal_mail({.to = rsa}, Bytes{1}, random_of(engine))
            .error()
            .is(MessageError::unknown_recipient));
  const auto alice = crypto::x25519_of(key_pair(1));
  Mail broken{.to = peer(1)};
  Bytes bound;
  append_varint(bound, broken.to.bytes().size());
  append(bound, broken.to.bytes());
  append(bound, Bytes(24));
  broken.sealed = crypto::hpke_seal({}, alice.public_key,
                                    {.info = as_bytes("vivim-mail-v1"), .associated = bound},
                                    Bytes(3, 0x7f), random_of(engine))
                      .value();
  CHECK(open_mail(alice, broken).error().is(MessageError::malformed));
}
