#include "vivim/base/varint.hpp"

#include <doctest/doctest.h>

using namespace vivim;

TEST_CASE("varint: vectors of multiformats/unsigned-varint") {
  const std::pair<std::uint64_t, Bytes> vectors[] = {
      {0, {0x00}},
      {1, {0x01}},
      {127, {0x7f}},
      {128, {0x80, 0x01}},
      {255, {0xff, 0x01}},
      {300, {0xac, 0x02}},
      {16384, {0x80, 0x80, 0x01}},
      {(1ULL << 63) - 1, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}},
  };
  for (const auto& [value, bytes] : vectors) {
    Bytes out;
    append_varint(out, value);
    CHECK(out == bytes);
    CHECK(varint_size(value) == bytes.size());
    const auto decoded = decode_varint(bytes);
    REQUIRE(decoded);
    CHECK(decoded->value == value);
    CHECK(decoded->size == bytes.size());
  }
}

TEST_CASE("varint: every two-byte input decodes to one value or one error") {
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      const Bytes in{static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b)};
      const auto decoded = decode_varint(in);
      if (a < 0x80) {
        REQUIRE(decoded);
        CHECK(decoded->size == 1);
      } else if (b >= 0x80) {
        REQUIRE_FALSE(decoded);
        CHECK(decoded.error().is(VarintError::truncated));
      } else if (b == 0) {
        REQUIRE_FALSE(decoded);
        CHECK(decoded.error().is(VarintError::not_minimal));
      } else {
        REQUIRE(decoded);
        Bytes again;
        append_varint(again, decoded->value);
        CHECK(again == in);
      }
    }
  }
}

TEST_CASE("varint: limits") {
  CHECK(decode_varint(Bytes{0xac, 0x02}, 299).error().is(VarintError::overflow));
  CHECK(decode_varint(Bytes(10, 0xff)).error().is(VarintError::overflow));
  CHECK(decode_varint({}).error().is(VarintError::truncated));
}
