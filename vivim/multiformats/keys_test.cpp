#include "vivim/multiformats/keys.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>

#include <doctest/doctest.h>

#include "vivim/multiformats/hex_test_detail.hpp"
#include "vivim/multiformats/peer_id.hpp"

using namespace vivim;
using namespace vivim::multiformats;
using vivim::multiformats::test::hex;

namespace {

// The vectors of libp2p/specs peer-ids.md.
constexpr std::string_view k_ed25519_private =
    "080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d1ed1e8fae2c4a144b8be8f"
    "d4"
    "b47bf3d3b34b871c3cacf6010f0e42d474fce27e";
constexpr std::string_view k_ed25519_public =
    "080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e";
constexpr std::string_view k_secp256k1_public =
    "08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99";
constexpr std::string_view k_ecdsa_public =
    "0803125b3059301306072a8648ce3d020106082a8648ce3d03010703420004de3d300fa36ae0e8f5d530899d83abab"
    "44"
    "abf3161f162a4bc901d8e6ecda020e8b6d5f8da30525e71d6851510c098e5c47c646a597fb4dcec034e9f77c409e6"
    "2";
constexpr std::string_view k_rsa_public =
    "080012a60430820222300d06092a864886f70d01010105000382020f003082020a0282020100e1beab071d0820"
    "0bde24eef00d049449b07770ff9910257b2d7d5dda242ce8f0e2f12e1af4b32d9efd2c090f66b0f29986dbb645"
    "dae9880089704a94e5066d594162ae6ee8892e6ec70701db0a6c445c04778eb3de1293aa1a23c3825b85c6620a"
    "2bc3f82f9b0c309bc0ab3aeb1873282bebd3da03c33e76c21e9beb172fd44c9e43be32e2c99827033cf8d0f0c6"
    "06f4579326c930eb4e854395ad941256542c793902185153c474bed109d6ff5141ebf9cd256cf58893a37f8372"
    "9f97e7cb435ec679d2e33901d27bb35aa0d7e20561da08885ef0abbf8e2fb48d6a5487047a9ecb1ad41fa7ed84"
    "f6e3e8ecd5d98b3982d2a901b4454991766da295ab78822add5612a2df83bcee814cf50973e80d7ef38111b1bd"
    "87da2ae92438a2c8cbcc70b31ee319939a3b9c761dbc13b5c086d6b64bf7ae7dacc14622375d92a8ff9af7eb96"
    "2162bbddebf90acb32adb5e4e4029f1c96019949ecfbfeffd7ac1e3fbcc6b6168c34be3d5a2e5999fcbb39bba7"
    "adbca78eab09b9bc39f7fa4b93411f4cc175e70c0a083e96bfaefb04a9580b4753c1738a6a760ae1afd851a1a4"
    "bdad231cf56e9284d832483df215a46c1c21bdf0c6cfe951c18f1ee4078c79c13d63edb6e14feaeffabc90ad31"
    "7e4875fe648101b0864097e998f0ca3025ef9638cd2b0caecd3770ab54a1d9c6ca959b0f5dcbc90caeefc4135b"
    "aca6fd475224269bbe1b0203010001";

}  // namespace

TEST_CASE("keys: every public key of the specification reads and writes the same bytes") {
  const std::pair<std::string_view, KeyType> vectors[] = {
      {k_ed25519_public, KeyType::ed25519},
      {k_secp256k1_public, KeyType::secp256k1},
      {k_ecdsa_public, KeyType::ecdsa},
      {k_rsa_public, KeyType::rsa},
  };
  for (const auto& [text, type] : vectors) {
    const auto key = PublicKey::decode(hex(text));
    REQUIRE(key);
    CHECK(key->type() == type);
    CHECK(to_hex(key->encode()) == text);
    const auto id = PeerId::of(*key);
    CHECK(id.matches(*key));
    CHECK(id.bytes()[0] == (text.size() / 2 <= 42 ? 0x00 : 0x12));
    CHECK(id.public_key().has_value() == (text.size() / 2 <= 42));
    CHECK(PeerId::parse(id.to_string()) == id);
    CHECK(PeerId::parse(id.to_cid_string()) == id);
    CHECK(key->verify({}, {}).error().is(crypto::CryptoError::bad_signature));
  }
}

TEST_CASE("keys: the private key of the specification has its public key, and signs") {
  const auto pair = decode_private_key(hex(k_ed25519_private));
  REQUIRE(pair);
  CHECK(to_hex(encode_private_key(*pair).view()) == k_ed25519_private);
  const PublicKey key(pair->public_key());
  CHECK(to_hex(key.encode()) == k_ed25519_public);
  CHECK(key.verify(as_bytes("m"), pair->sign(as_bytes("m"))));
  CHECK(key.verify(as_bytes("n"), pair->sign(as_bytes("m")))
            .error()
            .is(crypto::CryptoError::bad_signature));
}

TEST_CASE("keys: the older private form repeats the public key, which must be the same") {
  const Bytes newer = hex(k_ed25519_private);
  Bytes older{0x08, 0x01, 0x12, 0x60};
  append(older, BytesView(newer).subspan(4));
  append(older, BytesView(newer).last(32));
  REQUIRE(decode_private_key(older));
  older.back() ^= 1;
  CHECK(decode_private_key(older).error().is(MultiformatsError::bad_key));
  Bytes other = newer;
  other.back() ^= 1;
  CHECK(decode_private_key(other).error().is(MultiformatsError::bad_key));
}

TEST_CASE("keys: errors and limits") {
  const auto error = [](Bytes bytes) { return PublicKey::decode(bytes).error(); };
  CHECK(error({}).is(MultiformatsError::bad_key));
  CHECK(error({0x08, 0x01}).is(MultiformatsError::bad_key));                    // no data
  CHECK(error({0x12, 0x01, 0x00}).is(MultiformatsError::bad_key));              // no type
  CHECK(error({0x08, 0x09, 0x12, 0x01, 0x00}).is(MultiformatsError::bad_key));  // no such type
  CHECK(error({0x08, 0x01, 0x12, 0x01, 0x00}).is(MultiformatsError::bad_key));  // one byte long
  CHECK(error({0x08, 0x00, 0x12, 0x00}).is(MultiformatsError::bad_key));
  CHECK(error(Bytes(k_public_key_bytes_max + 1)).is(MultiformatsError::too_long));
  CHECK(decode_private_key(Bytes{0x08, 0x00, 0x12, 0x01, 0x00})
            .error()
            .is(MultiformatsError::unsupported_key_type));
  CHECK(decode_private_key(Bytes{0x08, 0x01, 0x12, 0x01, 0x00})
            .error()
            .is(MultiformatsError::bad_key));
}

TEST_CASE("peer id: the texts of the specification") {
  const auto id = PeerId::parse("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA");
  REQUIRE(id);
  CHECK(id->to_string() == "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA");
  REQUIRE(id->public_key());
  CHECK(id->public_key()->type() == KeyType::ed25519);
  const auto hashed = PeerId::parse("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N");
  REQUIRE(hashed);
  CHECK_FALSE(hashed->public_key());
  const auto as_cid = PeerId::parse("bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe");
  REQUIRE(as_cid);
  CHECK(*as_cid == *hashed);
  CHECK(hashed->to_cid_string() == "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe");
  const std::unordered_set<PeerId> set{*id, *hashed, *as_cid};
  CHECK(set.size() == 2);
  CHECK((*id < *hashed) != (*hashed < *id));
}

TEST_CASE("peer id: errors") {
  CHECK(PeerId::parse("").error().is(MultiformatsError::empty));
  CHECK(PeerId::parse("x").error().is(MultiformatsError::unknown_base));
  CHECK(PeerId::parse("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5S").has_value() == false);
  CHECK(PeerId::parse("bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e")
            .error()
            .is(MultiformatsError::not_a_peer_id));
  Bytes sha512{0x13, 0x40};
  sha512.resize(66);
  CHECK(PeerId::from_bytes(sha512).error().is(MultiformatsError::not_a_peer_id));
  Bytes inlined{0x00, 43};
  inlined.resize(45);
  CHECK(PeerId::from_bytes(inlined).error().is(MultiformatsError::not_a_peer_id));
  Bytes swapped{0x00, 37, 0x12, 0x21};  // data before type: the same key, another encoding
  swapped.resize(4 + 33, 2);
  swapped.push_back(0x08);
  swapped.push_back(0x02);
  CHECK(PeerId::from_bytes(swapped).error().is(MultiformatsError::not_canonical));
}
