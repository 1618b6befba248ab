#include <algorithm>
#include <string>
#include <type_traits>

#include <doctest/doctest.h>

#include "vivim/crypto/aead.hpp"
#include "vivim/crypto/ed25519.hpp"
#include "vivim/crypto/hash.hpp"
#include "vivim/crypto/hex_test_detail.hpp"
#include "vivim/crypto/random.hpp"
#include "vivim/crypto/x25519.hpp"

using namespace vivim;
using namespace vivim::crypto;
using vivim::crypto::test::hex;

namespace {

template <std::size_t N>
std::array<std::uint8_t, N> hex_array(std::string_view text) {
  const Bytes bytes = hex(text);
  REQUIRE(bytes.size() == N);
  std::array<std::uint8_t, N> out{};
  std::ranges::copy(bytes, out.begin());
  return out;
}

struct AeadVector {
  Aead algorithm;
  std::string_view key, nonce, associated, plaintext, sealed;
};

void check_aead(const AeadVector& vector) {
  const AeadKey key(hex(vector.key));
  const auto nonce = hex_array<k_aead_nonce_bytes>(vector.nonce);
  const Bytes associated = hex(vector.associated);
  const Bytes plaintext = hex(vector.plaintext);
  SealingKey sealing(vector.algorithm, key);
  OpeningKey opening(vector.algorithm, key);
  for (int round = 0; round < 2; ++round) {  // the second round uses the kept context
    Bytes sealed(plaintext.size() + k_aead_tag_bytes);
    sealing.seal(nonce, associated, plaintext, sealed);
    CHECK(to_hex(sealed) == vector.sealed);
    Bytes in_place = plaintext;
    in_place.resize(sealed.size());
    sealing.seal(nonce, associated, BytesView(in_place).first(plaintext.size()), in_place);
    CHECK(in_place == sealed);
    Bytes opened(plaintext.size());
    REQUIRE(opening.open(nonce, associated, sealed, opened));
    CHECK(opened == plaintext);
    REQUIRE(opening.open(nonce, associated, sealed, MutableBytes(sealed).first(opened.size())));
    CHECK(same_bytes(BytesView(sealed).first(opened.size()), plaintext));
  }
}

constexpr std::string_view k_sunscreen =
    "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a2049662049"
    "20636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c20"
    "73756e73637265656e20776f756c642062652069742e";

}  // namespace

TEST_CASE("sha256: FIPS 180-4 examples") {
  CHECK(to_hex(sha256(as_bytes("abc"))) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha256(BytesView{})) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(to_hex(sha256(as_bytes(std::string(1'000'000, 'a')))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256: pieces give the same as the whole, and finish starts anew") {
  const Bytes whole = to_bytes(std::string(1000, 'x'));
  Sha256 hash;
  for (std::size_t cut = 0; cut <= whole.size(); cut += 37) {
    hash.update(BytesView(whole).first(cut));
    hash.update(BytesView(whole).subspan(cut));
    CHECK(hash.finish() == sha256(whole));
    CHECK(sha256({BytesView(whole).first(cut), BytesView(whole).subspan(cut)}) == sha256(whole));
  }
}

TEST_CASE("hmac: RFC 4231 test cases 1 to 4, 6 and 7") {
  struct Vector {
    Bytes key;
    Bytes data;
    std::string_view mac;
  };
  const Vector vectors[] = {
      {Bytes(20, 0x0b), to_bytes("Hi There"),
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {to_bytes("Jefe"), to_bytes("what do ya want for nothing?"),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {Bytes(20, 0xaa), Bytes(50, 0xdd),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {hex("0102030405060708090a0b0c0d0e0f10111213141516171819"), Bytes(50, 0xcd),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {Bytes(131, 0xaa), to_bytes("Test Using Larger Than Block-Size Key - Hash Key First"),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {Bytes(131, 0xaa),
       to_bytes("This is a test using a larger than block-size key and a larger than block-size "
                "data. The key needs to be hashed before being used by the HMAC algorithm."),
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const auto& vector : vectors) {
    CHECK(to_hex(hmac_sha256(vector.key, {vector.data}).view()) == vector.mac);
  }
}

TEST_CASE("hkdf: RFC 5869 test cases 1 to 3") {
  struct Vector {
    Bytes salt, ikm, info;
    std::string_view prk, okm;
  };
  const auto range = [](unsigned first, unsigned last) {
    Bytes out;
    for (unsigned i = first; i <= last; ++i) {
      out.push_back(static_cast<std::uint8_t>(i));
    }
    return out;
  };
  const Vector vectors[] = {
      {range(0x00, 0x0c), Bytes(22, 0x0b), range(0xf0, 0xf9),
       "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
       "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
      {range(0x60, 0xaf), range(0x00, 0x4f), range(0xb0, 0xff),
       "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
       "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e"
       "590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
      {{},
       Bytes(22, 0x0b),
       {},
       "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
       "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
  };
  for (const auto& vector : vectors) {
    CHECK(to_hex(hkdf_extract(vector.salt, vector.ikm).view()) == vector.prk);
    Bytes out(vector.okm.size() / 2);
    hkdf(vector.salt, vector.ikm, vector.info, out);
    CHECK(to_hex(out) == vector.okm);
  }
  Bytes most(k_hkdf_bytes_max);
  hkdf({}, Bytes(22, 0x0b), {}, most);
  CHECK(to_hex(BytesView(most).first(42)) == vectors[2].okm);
}

TEST_CASE("aead: RFC 8439 section 2.8.2") {
  check_aead(
      {Aead::chacha20_poly1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
       "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7", k_sunscreen,
       "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69"
       "da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad67594"
       "5585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"});
}

TEST_CASE("aead: AES-256-GCM test cases 13 to 16 of the NIST submission") {
  const std::string zeros(64, '0');
  check_aead({Aead::aes_256_gcm, zeros, "000000000000000000000000", "", "",
              "530f8afbc74536b9a963b4f1c4cb738b"});
  check_aead({Aead::aes_256_gcm, zeros, "000000000000000000000000", "",
              "00000000000000000000000000000000",
              "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"});
  check_aead(
      {Aead::aes_256_gcm, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
       "cafebabefacedbaddecaf888", "",
       "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24"
       "49a6b525b16aedf5aa0de657ba637b391aafd255",
       "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10"
       "56828838c5f61e6393ba7a0abcc9f662898015adb094dac5d93471bdec1a502270e3cc6c"});
  check_aead(
      {Aead::aes_256_gcm, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
       "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
       "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24"
       "49a6b525b16aedf5aa0de657ba637b39",
       "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10"
       "56828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"});
}

TEST_CASE("aead: every damaged bit, a wrong nonce or other associated data is refused, and wiped") {
  for (const Aead algorithm : {Aead::chacha20_poly1305, Aead::aes_256_gcm}) {
    const AeadKey key(Bytes(32, 7));
    SealingKey sealing(algorithm, key);
    OpeningKey opening(algorithm, key);
    const Bytes plaintext = to_bytes("attack at dawn");
    Bytes sealed(plaintext.size() + k_aead_tag_bytes);
    sealing.seal({}, {}, plaintext, sealed);
    Bytes out(plaintext.size(), 1);
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      Bytes damaged = sealed;
      damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      const auto opened = opening.open({}, {}, damaged, out);
      REQUIRE_FALSE(opened);
      CHECK(opened.error().is(CryptoError::authentication_failed));
      CHECK(out == Bytes(plaintext.size()));
    }
    CHECK_FALSE(opening.open({1}, {}, sealed, out));
    CHECK_FALSE(opening.open({}, as_bytes("x"), sealed, out));
    CHECK(opening.open({}, {}, Bytes(15), {}).error().is(CryptoError::too_short));
    CHECK(opening.open({}, {}, sealed, out));
  }
}

TEST_CASE("x25519: RFC 7748 sections 5.2 and 6.1") {
  const auto shared = [](std::string_view scalar, std::string_view point) {
    const auto out = x25519(X25519Secret(hex(scalar)), hex_array<32>(point));
    REQUIRE(out);
    return to_hex(out->view());
  };
  CHECK(shared("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
               "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c") ==
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  CHECK(shared("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
               "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493") ==
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
  const auto alice = X25519KeyPair::from_secret(
      X25519Secret(hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")));
  const auto bob = X25519KeyPair::from_secret(
      X25519Secret(hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")));
  CHECK(to_hex(bob.public_key) ==
        "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  CHECK(to_hex(alice.public_key) ==
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  const auto here = x25519(alice.secret, bob.public_key);
  const auto there = x25519(bob.secret, alice.public_key);
  REQUIRE(here);
  REQUIRE(there);
  CHECK(equal(*here, *there));
  CHECK(to_hex(here->view()) == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

TEST_CASE("x25519: one and a thousand iterations of RFC 7748 section 5.2") {
  Bytes k = hex("0900000000000000000000000000000000000000000000000000000000000000");
  Bytes u = k;
  for (int i = 0; i < 1000; ++i) {
    std::array<std::uint8_t, 32> point{};
    std::ranges::copy(u, point.begin());
    const auto next = x25519(X25519Secret(k), point);
    REQUIRE(next);
    u = k;
    k = to_bytes(next->view());
    if (i == 0) {
      CHECK(to_hex(k) == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
  }
  CHECK(to_hex(k) == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

TEST_CASE("x25519: low-order points are refused") {
  const std::string_view points[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  for (const auto point : points) {
    const auto out = x25519(X25519Secret(Bytes(32, 0x42)), hex_array<32>(point));
    REQUIRE_FALSE(out);
    CHECK(out.error().is(CryptoError::low_order_point));
  }
}

TEST_CASE("ed25519: RFC 8032 section 7.1, tests 1 to 3") {
  struct Vector {
    std::string_view seed, public_key, message, signature;
  };
  const Vector vectors[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf"
       "9b4"
       "6bd25bf5f0595bbe24655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f"
       "11d"
       "8c387b2eaeb4302aeeb00d291612bb0c00"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984"
       "dc6"
       "594a7c15e9716ed28dc027beceea1ec40a"},
  };
  for (const auto& vector : vectors) {
    const auto pair = Ed25519KeyPair::from_seed(Ed25519Seed(hex(vector.seed)));
    CHECK(to_hex(pair.public_key()) == vector.public_key);
    CHECK(to_hex(pair.seed().view()) == vector.seed);
    const Bytes message = hex(vector.message);
    const auto signature = pair.clone().sign(message);
    CHECK(to_hex(signature) == vector.signature);
    CHECK(ed25519_verify(pair.public_key(), message, signature));
  }
}

TEST_CASE("ed25519: a damaged signature, message or key does not verify (RUSTSEC-2019-0004)") {
  const auto pair = Ed25519KeyPair::from_seed(Ed25519Seed(Bytes(32, 3)));
  const Bytes message = to_bytes("hello");
  auto signature = pair.sign(message);
  CHECK(ed25519_verify(pair.public_key(), as_bytes("hellp"), signature)
            .error()
            .is(CryptoError::bad_signature));
  for (auto& byte : signature) {
    byte ^= 1;
    CHECK_FALSE(ed25519_verify(pair.public_key(), message, signature));
    byte ^= 1;
  }
  CHECK_FALSE(ed25519_verify(pair.public_key(), message, BytesView(signature).first(63)));
  CHECK_FALSE(ed25519_verify({}, message, signature));
  CHECK(ed25519_verify(pair.public_key(), message, signature));
}

TEST_CASE("random: keys come from the given source") {
  const RandomSource counter = [n = std::uint8_t{0}](MutableBytes out) mutable {
    std::ranges::generate(out, [&n] { return n++; });
  };
  const auto first = Ed25519KeyPair::generate(counter);
  CHECK(first.seed().view()[31] == 31);
  CHECK(X25519KeyPair::generate(counter).secret.view()[0] == 32);
  Bytes a(40);
  Bytes b(40);
  os_random(a);
  os_random(b);
  CHECK(a != b);
  os_random({});
}

TEST_CASE("secret: moved-from and wiped secrets are zero, and comparison is by content") {
  static_assert(!std::is_copy_constructible_v<Secret<32>>);
  static_assert(!std::is_copy_constructible_v<SecretBytes>);
  Secret<4> a(Bytes{1, 2, 3, 4});
  CHECK(equal(a, a.clone()));
  Secret<4> b = std::move(a);
  CHECK(same_bytes(a.view(), Bytes(4)));  // NOLINT(bugprone-use-after-move): that is the promise
  CHECK(same_bytes(b.view(), Bytes{1, 2, 3, 4}));
  CHECK_FALSE(equal(a, b));
  SecretBytes c(Bytes{1, 2});
  SecretBytes d(2);
  d = std::move(c);
  CHECK(same_bytes(d.view(), Bytes{1, 2}));
  CHECK(c.size() == 0);  // NOLINT(bugprone-use-after-move)
  CHECK_FALSE(equal(Bytes{1}, Bytes{1, 2}));
  CHECK(equal(BytesView{}, BytesView{}));
}
