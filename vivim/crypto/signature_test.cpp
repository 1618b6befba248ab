#include <algorithm>
#include <array>

#include <doctest/doctest.h>

#include "vivim/crypto/ecdsa.hpp"
#include "vivim/crypto/hex_test_detail.hpp"
#include "vivim/crypto/random.hpp"
#include "vivim/crypto/rsa.hpp"

using namespace vivim;
using namespace vivim::crypto;
using vivim::crypto::test::hex;

namespace {

void append_der_integer(Bytes& out, BytesView value) {
  const bool pad = (value[0] & 0x80) != 0;
  out.push_back(0x02);
  out.push_back(static_cast<std::uint8_t>(value.size() + (pad ? 1 : 0)));
  if (pad) {
    out.push_back(0);
  }
  append(out, value);
}

Bytes der_signature(BytesView r, BytesView s) {
  Bytes body;
  append_der_integer(body, r);
  append_der_integer(body, s);
  Bytes out{0x30, static_cast<std::uint8_t>(body.size())};
  append(out, body);
  return out;
}

/// The last integer of a DER signature, without the zero in front.
BytesView s_of(BytesView der) {
  BytesView rest = der.subspan(2);
  rest = rest.subspan(2 + rest[1]);
  rest = rest.subspan(2);
  return rest[0] == 0 ? rest.subspan(1) : rest;
}

}  // namespace

TEST_CASE("ecdsa: RFC 6979 A.2.5, P-256 with SHA-256") {
  const auto pair = EcdsaKeyPair::from_scalar(
      Curve::p256,
      EcScalar(hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")));
  REQUIRE(pair);
  const Bytes x = hex("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6");
  const Bytes y = hex("7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299");
  CHECK(same_bytes(BytesView(pair->public_key().point()).subspan(1, 32), x));
  CHECK(same_bytes(BytesView(pair->public_key().point()).subspan(33), y));
  const Bytes signature =
      der_signature(hex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"),
                    hex("F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"));
  CHECK(pair->public_key().verify(as_bytes("sample"), signature));
  CHECK(pair->public_key()
            .verify(as_bytes("simple"), signature)
            .error()
            .is(CryptoError::bad_signature));
}

TEST_CASE("ecdsa: what a key signs verifies, in every form of the key, and nothing else does") {
  for (const Curve curve : {Curve::p256, Curve::secp256k1}) {
    const auto pair = EcdsaKeyPair::generate(curve, os_random);
    const auto again = EcdsaKeyPair::from_scalar(curve, pair.scalar());
    REQUIRE(again);
    CHECK(again->public_key() == pair.public_key());
    const auto from_compressed = EcdsaPublicKey::from_point(curve, pair.public_key().compressed());
    const auto from_spki = EcdsaPublicKey::from_spki(pair.public_key().spki());
    REQUIRE(from_compressed);
    REQUIRE(from_spki);
    CHECK(from_spki->curve() == curve);
    CHECK(*from_compressed == pair.public_key());
    CHECK(*from_spki == pair.public_key());
    for (int i = 0; i < 20; ++i) {
      Bytes signature = pair.sign(as_bytes("message"));
      CHECK(signature.size() <= 72);
      CHECK(from_spki->verify(as_bytes("message"), signature));
      CHECK_FALSE(from_compressed->verify(as_bytes("massage"), signature));
      signature.back() ^= 1;
      CHECK_FALSE(from_compressed->verify(as_bytes("message"), signature));
    }
    CHECK_FALSE(pair.public_key().verify(as_bytes("message"), {}));
    const auto other = EcdsaKeyPair::generate(curve, os_random);
    CHECK_FALSE(other.public_key().verify(as_bytes("m"), pair.sign(as_bytes("m"))));
  }
}

TEST_CASE("ecdsa: with secp256k1 the lower s is sent") {
  const auto pair = EcdsaKeyPair::generate(Curve::secp256k1, os_random);
  const Bytes half = hex("7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0");
  for (int i = 0; i < 40; ++i) {
    const Bytes signature = pair.sign(as_bytes("message"));
    Bytes s(32);
    const BytesView sent = s_of(signature);
    std::ranges::copy(sent, s.end() - static_cast<std::ptrdiff_t>(sent.size()));
    CHECK(s <= half);
  }
}

TEST_CASE("ecdsa: signatures that are not strict DER are refused") {
  const auto pair = EcdsaKeyPair::generate(Curve::p256, os_random);
  const Bytes good = pair.sign(as_bytes("m"));
  Bytes longer = good;
  longer.push_back(0);
  CHECK_FALSE(pair.public_key().verify(as_bytes("m"), longer));
  Bytes long_form{0x30, 0x81, good[1]};
  append(long_form, BytesView(good).subspan(2));
  CHECK_FALSE(pair.public_key().verify(as_bytes("m"), long_form));
  CHECK_FALSE(pair.public_key().verify(as_bytes("m"), BytesView(good).first(good.size() - 1)));
}

TEST_CASE("ecdsa: keys that are none") {
  const auto bad = [](const auto& result) { return result.error().is(CryptoError::bad_key); };
  CHECK(bad(EcdsaKeyPair::from_scalar(Curve::p256, EcScalar())));
  CHECK(bad(EcdsaKeyPair::from_scalar(Curve::p256, EcScalar(Bytes(32, 0xff)))));
  CHECK(bad(EcdsaPublicKey::from_point(Curve::p256, {})));
  CHECK(bad(EcdsaPublicKey::from_point(Curve::p256, Bytes{0})));  // the point at infinity
  CHECK(bad(EcdsaPublicKey::from_point(Curve::p256, Bytes(65, 4))));
  CHECK(bad(EcdsaPublicKey::from_spki({})));
  const auto pair = EcdsaKeyPair::generate(Curve::p256, os_random);
  CHECK(bad(EcdsaPublicKey::from_point(Curve::secp256k1, pair.public_key().point())));
  Bytes hybrid = to_bytes(BytesView(pair.public_key().point()));
  hybrid[0] = static_cast<std::uint8_t>(6 + (hybrid.back() & 1));
  CHECK(bad(EcdsaPublicKey::from_point(Curve::p256, hybrid)));
  Bytes spki = pair.public_key().spki();
  spki.push_back(0);
  CHECK(bad(EcdsaPublicKey::from_spki(spki)));
  spki.pop_back();
  spki.back() ^= 1;  // off the curve
  CHECK(bad(EcdsaPublicKey::from_spki(spki)));
}

TEST_CASE("rsa: what a key signs verifies, in every form of the key, and nothing else does") {
  const auto pair = RsaKeyPair::generate(2048);
  const auto again = RsaKeyPair::from_pkcs1(pair.pkcs1().view());
  const auto key = RsaPublicKey::from_spki(pair.public_key().spki());
  REQUIRE(again);
  REQUIRE(key);
  CHECK(key->bits() == 2048);
  CHECK(again->public_key().spki() == key->spki());
  Bytes signature = again->sign(as_bytes("message"));
  CHECK(signature.size() == 256);
  CHECK(key->verify(as_bytes("message"), signature));
  CHECK(key->verify(as_bytes("massage"), signature).error().is(CryptoError::bad_signature));
  signature[100] ^= 1;
  CHECK_FALSE(key->verify(as_bytes("message"), signature));
  CHECK_FALSE(key->verify(as_bytes("message"), {}));
}

TEST_CASE("rsa: keys that are none, too weak, too large (CVE-2023-39533)") {
  CHECK(RsaPublicKey::from_spki({}).error().is(CryptoError::bad_key));
  CHECK(RsaPublicKey::from_spki(Bytes(5000)).error().is(CryptoError::key_too_large));
  CHECK(RsaKeyPair::from_pkcs1({}).error().is(CryptoError::bad_key));
  CHECK(RsaKeyPair::from_pkcs1(Bytes(9000)).error().is(CryptoError::key_too_large));
  const auto ec = EcdsaKeyPair::generate(Curve::p256, os_random);
  CHECK(RsaPublicKey::from_spki(ec.public_key().spki()).error().is(CryptoError::bad_key));
  // SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING { SEQUENCE { modulus, exponent } } }
  const auto spki = [](std::size_t modulus_bytes, const Bytes& exponent) {
    const auto tagged = [](std::uint8_t tag, BytesView body) {
      Bytes out{tag, 0x82, static_cast<std::uint8_t>(body.size() >> 8),
                static_cast<std::uint8_t>(body.size())};
      if (body.size() < 128) {
        out = {tag, static_cast<std::uint8_t>(body.size())};
      } else if (body.size() < 256) {
        out = {tag, 0x81, static_cast<std::uint8_t>(body.size())};
      }
      append(out, body);
      return out;
    };
    Bytes modulus(modulus_bytes + 1, 0xff);
    modulus[0] = 0;
    Bytes numbers = tagged(0x02, modulus);
    append(numbers, tagged(0x02, exponent));
    Bytes bits{0};
    append(bits, tagged(0x30, numbers));
    Bytes body = hex("300d06092a864886f70d0101010500");
    append(body, tagged(0x03, bits));
    return tagged(0x30, body);
  };
  CHECK(RsaPublicKey::from_spki(spki(256, {1, 0, 1})));
  CHECK(RsaPublicKey::from_spki(spki(1024, {1, 0, 1})));
  CHECK(RsaPublicKey::from_spki(spki(255, {1, 0, 1})).error().is(CryptoError::key_too_weak));
  CHECK(RsaPublicKey::from_spki(spki(64, {1, 0, 1})).error().is(CryptoError::key_too_weak));
  CHECK(RsaPublicKey::from_spki(spki(1025, {1, 0, 1})).error().is(CryptoError::key_too_large));
  CHECK(
      RsaPublicKey::from_spki(spki(256, Bytes(200, 0x11))).error().is(CryptoError::key_too_large));
  Bytes trailing = spki(256, {1, 0, 1});
  trailing.push_back(0);
  CHECK(RsaPublicKey::from_spki(trailing).error().is(CryptoError::bad_key));
}
