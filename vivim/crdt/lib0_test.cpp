#include "vivim/crdt/lib0.hpp"

#include <cmath>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include "vivim/crdt/hex_test_detail.hpp"
#include "vivim/crdt/state_vector.hpp"
#include "vivim/crdt/sync_protocol.hpp"

namespace vivim::crdt {
namespace {

std::string hex_of(const Any& value) {
  lib0::Encoder out;
  out.any(value);
  return to_hex(out.view());
}

CrdtError any_error(std::string_view hex) {
  const Bytes bytes = unhex(hex);
  const auto value = lib0::Decoder(bytes).any();
  REQUIRE_FALSE(value.has_value());
  return static_cast<CrdtError>(value.error().code());
}

}  // namespace

TEST_CASE("short var_uint: the bytes of var_uint") {
  for (unsigned bit = 0; bit < 53; ++bit) {
    for (const std::uint64_t value : {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1,
                                      (std::uint64_t{1} << bit) + 0x5a5a5a5a5a % (bit + 1)}) {
      lib0::Encoder out;
      out.var_uint(value);
      const lib0::Encoder::Short ready = lib0::Encoder::short_var_uint(value);
      REQUIRE(ready.size == out.size());
      std::uint8_t bytes[lib0::Encoder::k_short_max];
      lib0::Encoder::put(bytes, ready);
      CHECK(to_hex({bytes, ready.size}) == to_hex(out.view()));
    }
  }
}

TEST_CASE("short var_uint: of few bits, alone and two at a time, and back") {
  for (unsigned bit = 0; bit <= lib0::Encoder::k_pair_bits; ++bit) {
    const std::uint32_t power = 1U << bit;
    for (const std::uint32_t value : {power - 1, power, power + 1, power | 0x5a5a5U % power}) {
      lib0::Encoder out;
      out.var_uint(value);
      const auto check = [&](lib0::Encoder::Short ready) {
        std::uint8_t bytes[lib0::Encoder::k_short_max];
        lib0::Encoder::put(bytes, ready);
        CHECK(to_hex({bytes, ready.size}) == to_hex(out.view()));
      };
      check(lib0::Encoder::short_var_uint32(value));
      if (value >> lib0::Encoder::k_pair_bits == 0) {
        check(lib0::Encoder::short_var_uint28(value));
        const auto pair = lib0::Encoder::short_var_uints28(value, 0xfff'ffff - value);
        check({pair.first, pair.first_size});
        const auto turned = lib0::Encoder::short_var_uints28(0xfff'ffff - value, value);
        check({turned.second, turned.second_size});
      }
      const Bytes padded = [&] {
        Bytes bytes = to_bytes(out.view());
        bytes.resize(sizeof(std::uint64_t), 0xff);
        return bytes;
      }();
      const std::uint8_t* at = padded.data();
      std::uint64_t read = 0;
      CHECK(lib0::Decoder::quick_var_uint28(at, read) == (out.size() <= 4));
      if (out.size() <= 4) {
        CHECK(read == value);
        CHECK(at == padded.data() + out.size());
      }
    }
  }
}

// Values as npm's lib0 0.2 writes them (encoding.writeAny).
TEST_CASE("any: the bytes of lib0") {
  CHECK(hex_of({}) == "7f");
  CHECK(hex_of(nullptr) == "7e");
  CHECK(hex_of(true) == "78");
  CHECK(hex_of(false) == "79");
  CHECK(hex_of(0) == "7d00");
  CHECK(hex_of(-0.0) == "7d40");
  CHECK(hex_of(63) == "7d3f");
  CHECK(hex_of(64) == "7d8001");
  CHECK(hex_of(-64) == "7dc001");
  CHECK(hex_of(2147483647) == "7dbfffffff0f");
  CHECK(hex_of(2147483648.0) == "7c4f000000");
  CHECK(hex_of(1.5) == "7c3fc00000");
  CHECK(hex_of(1e10) == "7c501502f9");
  CHECK(hex_of(1700000000000.0) == "7b4278bcfe56800000");
  CHECK(hex_of(std::numeric_limits<double>::quiet_NaN()) == "7b7ff8000000000000");
  CHECK(hex_of(Any::BigInt{-1}) == "7affffffffffffffff");
  CHECK(hex_of("é") == "7702c3a9");
  CHECK(hex_of(Bytes{1, 2}) == "74020102");
  CHECK(hex_of(Any::Array{Any(1), Any("a")}) == "75027d01770161");
  CHECK(hex_of(Any::Object{{"a", Any(1)}, {"10", Any(2)}, {"9", Any(3)}}) ==
        "760301397d030231307d0201617d01");
}

TEST_CASE("any: what is wrong is refused by name") {
  CHECK(any_error("") == CrdtError::truncated);
  CHECK(any_error("20") == CrdtError::bad_any);
  CHECK(any_error("7701ff") == CrdtError::bad_utf8);
  CHECK(any_error("77ff01") == CrdtError::truncated);
  CHECK(any_error("75ffffff7f") == CrdtError::truncated);
  CHECK(any_error("7dffffffffffffffff7f") == CrdtError::number_too_large);
  std::string deep;
  for (std::uint32_t i = 0; i < lib0::k_any_depth_max + 1; ++i) {
    deep += "7501";
  }
  CHECK(any_error(deep + "7e") == CrdtError::too_deep);
}

TEST_CASE("any: JSON as JavaScript writes it") {
  CHECK(Any(1e21).to_json() == "1e+21");
  CHECK(Any(123456789.0).to_json() == "123456789");
  CHECK(Any(0.1).to_json() == "0.1");
  CHECK(Any(1e-7).to_json() == "1e-7");
  CHECK(Any(-2.5).to_json() == "-2.5");
  CHECK(Any("a\"\n\x01").to_json() == "\"a\\\"\\n\\u0001\"");
  CHECK(Any(Any::Object{{"a", Any()}, {"b", Any(nullptr)}}).to_json() == "{\"b\":null}");
}

TEST_CASE("numbers up to 2^53 - 1") {
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, (std::uint64_t{1} << 53) - 1}) {
    lib0::Encoder out;
    out.var_uint(value);
    lib0::Decoder in(out.view());
    CHECK(in.var_uint().value() == value);
    CHECK(in.at_end());
  }
  const Bytes too_large = unhex(
      "80808080808080"
      "80"
      "01");
  CHECK(lib0::Decoder(too_large).var_uint().error().is(CrdtError::number_too_large));
}

TEST_CASE("state vectors: highest client first; covers") {
  const StateVector state{{ClientId{1}, 5}, {ClientId{300}, 10}};
  CHECK(to_hex(encode_state_vector(state)) == "02ac020a0105");
  CHECK(decode_state_vector(unhex("02ac020a0105")).value() == state);
  CHECK(decode_state_vector({}).value().empty());
  CHECK(decode_state_vector(unhex("0101")).error().is(CrdtError::truncated));
  CHECK(decode_state_vector(unhex("0000")).error().is(CrdtError::trailing_bytes));
  CHECK(decode_state_vector(unhex("ffffff7f")).error().is(CrdtError::too_many));
  CHECK(state_vector_covers(unhex("0101"
                                  "05"),
                            unhex("0101"
                                  "04"))
            .value());
  CHECK_FALSE(state_vector_covers(unhex("010105"), unhex("010106")).value());
  CHECK_FALSE(state_vector_covers(unhex("00"), unhex("010101")).value());
}

TEST_CASE("sync messages of y-protocols") {
  const Bytes payload{0};
  CHECK(to_hex(protocol::encode_sync(protocol::SyncType::step1, payload)) == "000100");
  CHECK(to_hex(protocol::websocket_sync(protocol::SyncType::update, payload)) == "00020100");
  CHECK(to_hex(protocol::websocket_awareness(payload)) == "010100");
  CHECK(to_hex(protocol::websocket_denied("no")) == "0200026e6f");
  const Bytes message = unhex("020100");
  lib0::Decoder in(message);
  const auto read = protocol::read_sync(in).value();
  CHECK(read.type == protocol::SyncType::update);
  CHECK(to_hex(read.payload) == "00");
  const Bytes unknown = unhex("0300");
  lib0::Decoder bad(unknown);
  CHECK(protocol::read_sync(bad).error().is(CrdtError::bad_message));
}

}  // namespace vivim::crdt
