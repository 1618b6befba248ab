#include "vivim/crypto/siphash.hpp"

#include <doctest/doctest.h>

using namespace vivim;

TEST_CASE("siphash: the reference's vectors of 128 bits") {
  crypto::SipHashKey key{};
  for (std::size_t i = 0; i < key.size(); ++i) {
    key[i] = static_cast<std::uint8_t>(i);
  }
  const auto hex = [](const std::array<std::uint64_t, 2>& words) {
    return to_hex({reinterpret_cast<const std::uint8_t*>(words.data()), sizeof(words)});
  };
  CHECK(hex(crypto::siphash128(key, {})) == "a3817f04ba25a8e66df67214c7550293");
  CHECK(hex(crypto::siphash128(key, Bytes{0})) == "da87c1d86b99af44347659119b22fc45");
}
