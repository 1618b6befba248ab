#include "vivim/crypto/xsalsa20.hpp"

#include <algorithm>
#include <array>

#include <doctest/doctest.h>

#include "vivim/crypto/hash.hpp"

using namespace vivim;
using namespace vivim::crypto;

namespace {

constexpr std::array<std::uint8_t, 32> k_key{
    0x1b, 0x27, 0x55, 0x64, 0x73, 0xe9, 0x85, 0xd4, 0x62, 0xcd, 0x51, 0x19, 0x7a, 0x9a, 0x46, 0xc7,
    0x60, 0x09, 0x54, 0x9e, 0xac, 0x64, 0x74, 0xf2, 0x06, 0xc4, 0xee, 0x08, 0x44, 0xf6, 0x83, 0x89};
constexpr XSalsa20Nonce k_nonce{0x69, 0x69, 0x6e, 0xe9, 0x55, 0xb6, 0x2b, 0x73,
                                0xcd, 0x62, 0xbd, 0xa8, 0x75, 0xfc, 0x73, 0xd6,
                                0x82, 0x19, 0xe0, 0x03, 0x6b, 0x7a, 0x0b, 0x37};

}  // namespace

// The vector of NaCl's paper "Cryptography in NaCl", section 9.
TEST_CASE("xsalsa20: the published key stream") {
  XSalsa20 cipher(XSalsa20Key(k_key), k_nonce);
  Bytes stream(32);
  cipher.apply(stream);
  CHECK(to_hex(stream) == "eea6a7251c1e72916d11c2cb214d3c252539121d8e234e652d651fa4c8cff880");
}

TEST_CASE("xsalsa20: pieces of any size make the same stream") {
  Bytes whole(1000);
  XSalsa20(XSalsa20Key(k_key), k_nonce).apply(whole);
  for (const std::size_t piece : {1UL, 3UL, 63UL, 64UL, 65UL, 200UL}) {
    Bytes cut(whole.size());
    XSalsa20 cipher(XSalsa20Key(k_key), k_nonce);
    for (std::size_t at = 0; at < cut.size(); at += piece) {
      cipher.apply(MutableBytes(cut).subspan(at, std::min(piece, cut.size() - at)));
    }
    CHECK(cut == whole);
  }
  Bytes text = to_bytes(std::string_view("text"));
  XSalsa20(XSalsa20Key(k_key), k_nonce).apply(text);
  CHECK(as_text(text) != "text");
  XSalsa20(XSalsa20Key(k_key), k_nonce).apply(text);
  CHECK(as_text(text) == "text");
}

TEST_CASE("shake128: of nothing (FIPS 202)") {
  Bytes out(16);
  shake128({}, out);
  CHECK(to_hex(out) == "7f9c2ba4e88f827d616045507605853e");
}
