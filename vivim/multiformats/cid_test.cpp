#include "vivim/multiformats/cid.hpp"

#include <doctest/doctest.h>

#include "vivim/base/varint.hpp"

using namespace vivim;
using namespace vivim::multiformats;

TEST_CASE("multihash: the examples of multiformats/multihash") {
  const auto hash = Multihash::sha256_of(as_bytes("multihash"));
  CHECK(to_hex(hash.bytes()) ==
        "12209cbc07c3f991725836a3aa2a581ca2029198aa420b9d99bc0e131d9f3e2cbe47");
  CHECK(hash.matches(as_bytes("multihash")));
  CHECK_FALSE(hash.matches(as_bytes("multihasi")));
  CHECK(Multihash::from_bytes(hash.bytes()) == hash);
  const auto same = Multihash::identity_of(as_bytes("hi"));
  CHECK(to_hex(same.bytes()) == "00026869");
  CHECK(same.matches(as_bytes("hi")));
}

TEST_CASE("multihash: errors and limits (RUSTSEC-2020-0068)") {
  const auto error = [](Bytes bytes) { return Multihash::from_bytes(bytes).error(); };
  CHECK(error({}).is(VarintError::truncated));
  CHECK(error({0x12}).is(VarintError::truncated));
  CHECK(error({0x12, 0x20, 1, 2}).is(MultiformatsError::truncated));
  CHECK(error({0x12, 0x02, 1, 2}).is(MultiformatsError::bad_digest_length));
  CHECK(error({0x00, 0x01, 1, 2}).is(MultiformatsError::trailing_bytes));
  CHECK(error({0x11, 0x01, 1}).is(MultiformatsError::unknown_hash));
  CHECK(error({0x00, 0x81, 0x01}).is(MultiformatsError::too_long));
  CHECK(Multihash::from_digest(Codec::identity, Bytes(k_digest_bytes_max)));
  CHECK(Multihash::from_digest(Codec::identity, Bytes(k_digest_bytes_max + 1))
            .error()
            .is(MultiformatsError::too_long));
  CHECK_FALSE(Multihash::from_digest(Codec::sha2_512, Bytes(64))->matches({}));
}

TEST_CASE("cid: raw content, text, binary") {
  const auto cid = Cid::of_raw(as_bytes("hello world"));
  CHECK(cid.to_string() == "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e");
  CHECK(Cid::parse(cid.to_string()) == cid);
  CHECK(Cid::from_bytes(cid.to_bytes()) == cid);
  CHECK(Cid::parse(encode_multibase(Base::base58btc, cid.to_bytes())) == cid);
  CHECK(Cid::parse(encode_multibase(Base::base16, cid.to_bytes())) == cid);
  CHECK(cid.hash().matches(as_bytes("hello world")));
}

TEST_CASE("cid: version 0") {
  const auto cid = Cid::parse("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n");
  REQUIRE(cid);
  CHECK(cid->version() == 0);
  CHECK(cid->codec() == Codec::dag_pb);
  CHECK(to_hex(cid->hash().digest()) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(cid->to_string() == "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n");
  const Cid same(Codec::dag_pb, cid->hash());
  CHECK(same.to_string() == "bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
  CHECK(Cid::parse(encode_multibase(Base::base58btc, cid->to_bytes()))
            .error()
            .is(MultiformatsError::bad_cid_version));
}

TEST_CASE("cid: errors") {
  CHECK(Cid::parse("").error().is(MultiformatsError::empty));
  CHECK(Cid::parse("f02").error().is(MultiformatsError::bad_cid_version));
  CHECK(Cid::parse("f01").error().is(VarintError::truncated));
  CHECK(Cid::parse("f015500").error().is(VarintError::truncated));
  CHECK(Cid::parse("f01550002aa").error().is(MultiformatsError::truncated));
  CHECK(Cid::parse("f01550001aabb").error().is(MultiformatsError::trailing_bytes));
  CHECK(Cid::parse("Qm" + std::string(44, 'z')).error().is(MultiformatsError::bad_cid_version));
}
