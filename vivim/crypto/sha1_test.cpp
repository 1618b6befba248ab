#include "vivim/crypto/sha1.hpp"

#include <doctest/doctest.h>

using namespace vivim;

TEST_CASE("sha1: FIPS 180-4 examples") {
  CHECK(to_hex(crypto::sha1(as_bytes("abc"))) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(to_hex(crypto::sha1(BytesView{})) == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}
