#include "vivim/crypto/hpke.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "vivim/crypto/hex_test_detail.hpp"

using namespace vivim;
using namespace vivim::crypto;
using vivim::crypto::test::hex;

namespace {

RandomSource gives(Bytes bytes) {
  return [bytes = std::move(bytes)](MutableBytes out) {
    REQUIRE(out.size() == bytes.size());
    std::ranges::copy(bytes, out.begin());
  };
}

/// RFC 9180, appendix A.2.1: the recipient, and what both sides know.
struct Rfc {
  X25519KeyPair recipient = X25519KeyPair::from_secret(
      X25519Secret(hex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")));
  Bytes info = hex("4f6465206f6e2061204772656369616e2055726e");
  Bytes associated = hex("436f756e742d30");
  Bytes plaintext = hex("4265617574792069732074727574682c20747275746820626561757479");
  HpkeContext context() const { return {.info = info, .associated = associated}; }
};

}  // namespace

TEST_CASE("hpke: the vector of RFC 9180 A.2.1 (ChaCha20-Poly1305), first message") {
  const Rfc rfc;
  CHECK(to_hex(rfc.recipient.public_key) ==
        "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
  constexpr HpkeSuite k_suite{.aead = Aead::chacha20_poly1305};
  const auto sealed =
      hpke_seal(k_suite, rfc.recipient.public_key, rfc.context(), rfc.plaintext,
                gives(hex("f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600")));
  REQUIRE(sealed);
  CHECK(to_hex(*sealed) ==
        "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"
        "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db"
        "21993c62ce81883d2dd1b51a28");
  CHECK(hpke_open(k_suite, rfc.recipient, rfc.context(), *sealed) == rfc.plaintext);
}

TEST_CASE("hpke: what Go's crypto/hpke sealed with AES-256-GCM opens") {
  const Rfc rfc;
  const Bytes sealed =
      hex("b6b64c5b95e9ff6c8968cce42f57eed020663abbbd24b32edbe93f9c82cc7458"
          "f0cae5d79a038869c79e9fadac66aafcbff427c27b07e1693c8921174ab1253f"
          "8fb6b7c07e0c9bae7a6ed0983e");
  CHECK(hpke_open({}, rfc.recipient, rfc.context(), sealed) == rfc.plaintext);
}

TEST_CASE("hpke: anything that is not as it was sealed does not open") {
  const Rfc rfc;
  const auto random = gives(Bytes(32, 7));
  const auto sealed = hpke_seal({}, rfc.recipient.public_key, rfc.context(), rfc.plaintext, random);
  REQUIRE(sealed);
  CHECK(sealed->size() == rfc.plaintext.size() + k_hpke_overhead_bytes);
  for (std::size_t i = 0; i < sealed->size(); ++i) {
    Bytes damaged = *sealed;
    damaged[i] ^= 1;
    CHECK_FALSE(hpke_open({}, rfc.recipient, rfc.context(), damaged));
  }
  const Bytes other = to_bytes("other");
  const auto fails = [&](const X25519KeyPair& own, const HpkeContext& context) {
    const auto opened = hpke_open({}, own, context, *sealed);
    return !opened && opened.error().is(CryptoError::authentication_failed);
  };
  CHECK(fails(rfc.recipient, {.info = other, .associated = rfc.associated}));
  CHECK(fails(rfc.recipient, {.info = rfc.info, .associated = other}));
  CHECK(fails(X25519KeyPair::generate(random), rfc.context()));
  CHECK(hpke_open({}, rfc.recipient, rfc.context(), BytesView(*sealed).first(47))
            .error()
            .is(CryptoError::too_short));
  CHECK(hpke_seal({}, {}, rfc.context(), rfc.plaintext, random)
            .error()
            .is(CryptoError::low_order_point));
  CHECK(hpke_open({}, rfc.recipient, rfc.context(), Bytes(48))
            .error()
            .is(CryptoError::low_order_point));
  const auto empty = hpke_seal({}, rfc.recipient.public_key, {}, {}, random);
  REQUIRE(empty);
  CHECK(hpke_open({}, rfc.recipient, {}, *empty)->empty());
}

TEST_CASE("x25519: both halves of a signing key convert alike") {
  for (std::uint8_t seed = 0; seed < 32; ++seed) {
    const auto pair = Ed25519KeyPair::from_seed(Ed25519Seed(Bytes(32, seed)));
    CHECK(x25519_of(pair).public_key == x25519_of(pair.public_key()).value());
  }
  // libsodium's own vector: the seed, and the public key that it converts to.
  const auto pair = Ed25519KeyPair::from_seed(
      Ed25519Seed(hex("421151a459faeade3d247115f94aedae42318124095afabe4d1451a559faedee")));
  CHECK(to_hex(x25519_of(pair).public_key) ==
        "f1814f0e8ff1043d8a44d25babff3cedcae6c22c3edaa48f857ae70de2baae50");
  CHECK(to_hex(x25519_of(pair).secret.view()) ==
        "8052030376d47112be7f73ed7a019293dd12ad910b654455798b4667d73de166");
  Ed25519PublicKey none{};
  CHECK(x25519_of(none).error().is(CryptoError::bad_key));
}
