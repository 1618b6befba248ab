#include "vivim/libp2p/record/envelope.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/record/record_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p::record;
using namespace vivim::libp2p::record::test;

namespace {

constexpr std::array<std::uint8_t, 2> k_type{0x03, 0x02};
constexpr std::string_view k_domain = "test-domain";

}  // namespace

TEST_CASE("envelope: what is signed has lengths in front (RFC 0002)") {
  const auto bytes = signed_bytes("ab", Bytes{0x03, 0x01}, Bytes(200, 0x55));
  CHECK(to_hex(BytesView(bytes).first(8)) == "026162020301c801");
  CHECK(bytes.size() == 8 + 200);
}

TEST_CASE("envelope: sealed, opened, and bound to its domain, type and bytes") {
  const auto signer = Signer::of(key_pair(1));
  const auto sealed = seal(signer, k_domain, k_type, as_bytes("payload"));
  const auto opened = open(sealed, k_domain, k_type);
  REQUIRE(opened);
  CHECK(opened->payload == to_bytes("payload"));
  CHECK(opened->signer == signer.key);
  CHECK(encode(*opened) == sealed);

  CHECK(open(sealed, "other-domain", k_type).error().is(RecordError::bad_signature));
  CHECK(open(sealed, k_domain, Bytes{0x03, 0x01}).error().is(RecordError::wrong_payload_type));
  auto changed = *opened;
  changed.payload.back() ^= 1;
  CHECK(open(encode(changed), k_domain, k_type).error().is(RecordError::bad_signature));
  changed = *opened;
  changed.signer = Signer::of(key_pair(2)).key;
  CHECK(open(encode(changed), k_domain, k_type).error().is(RecordError::bad_signature));
  changed = *opened;
  changed.signature.clear();
  CHECK(open(encode(changed), k_domain, k_type).error().is(RecordError::bad_signature));
}

TEST_CASE("envelope: what cannot be read, and the limit") {
  CHECK(decode_envelope(Bytes{}).error().is(RecordError::malformed));
  CHECK(decode_envelope(Bytes{0xff, 0xff}).error().is(RecordError::malformed));
  CHECK(decode_envelope(Bytes{0x0a, 0x01, 0x00}).error().is(RecordError::malformed));
  CHECK(decode_envelope(Bytes(k_envelope_bytes_max + 1)).error().is(RecordError::too_large));
  const auto large = seal(Signer::of(key_pair(1)), k_domain, k_type, Bytes(k_envelope_bytes_max));
  CHECK(open(large, k_domain, k_type).error().is(RecordError::too_large));
  // Every cut of a whole envelope is refused one way or another.
  const auto sealed = seal(Signer::of(key_pair(1)), k_domain, k_type, as_bytes("payload"));
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    CHECK_FALSE(open(BytesView(sealed).first(size), k_domain, k_type));
  }
}
