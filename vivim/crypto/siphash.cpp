#include "vivim/crypto/siphash.hpp"

#include <cstring>

#include <sodium.h>

namespace vivim::crypto {

std::array<std::uint64_t, 2> siphash128(const SipHashKey& key, BytesView bytes) {
  static_assert(crypto_shorthash_siphashx24_KEYBYTES == k_siphash_key_bytes);
  std::array<std::uint8_t, crypto_shorthash_siphashx24_BYTES> out{};
  crypto_shorthash_siphashx24(out.data(), bytes.data(), bytes.size(), key.data());
  std::array<std::uint64_t, 2> words{};
  std::memcpy(words.data(), out.data(), out.size());
  return words;
}

}  // namespace vivim::crypto
