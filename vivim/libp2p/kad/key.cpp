#include "vivim/libp2p/kad/key.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "vivim/crypto/hash.hpp"

namespace vivim::libp2p::kad {

double Distance::fraction() const {
  double sum = 0;
  for (std::size_t i = 0; i < 8; ++i) {  // more than a double holds
    sum += std::ldexp(static_cast<double>(bytes[i]), -8 * static_cast<int>(i + 1));
  }
  return sum;
}

Distance Distance::of_fraction(double fraction) {
  Distance distance;
  for (std::size_t i = 0; i < 8; ++i) {
    fraction *= 256;
    const double digit = std::clamp(std::floor(fraction), 0.0, 255.0);
    distance.bytes[i] = static_cast<std::uint8_t>(digit);
    fraction -= digit;
  }
  return distance;
}

Key Key::of(BytesView raw) {
  const auto digest = crypto::sha256(raw);
  Key key;
  std::ranges::copy_n(digest.begin(), k_key_bytes, key.bytes_.begin());
  return key;
}

Key Key::at(const std::array<std::uint8_t, k_key_bytes>& bytes) {
  Key key;
  key.bytes_ = bytes;
  return key;
}

Distance Key::distance(const Key& other) const {
  Distance distance;
  for (std::size_t i = 0; i < k_key_bytes; ++i) {
    distance.bytes[i] = static_cast<std::uint8_t>(bytes_[i] ^ other.bytes_[i]);
  }
  return distance;
}

unsigned Key::common_prefix(const Key& other) const {
  for (std::size_t i = 0; i < k_key_bytes; ++i) {
    const auto differing = static_cast<std::uint8_t>(bytes_[i] ^ other.bytes_[i]);
    if (differing != 0) {
      return static_cast<unsigned>((8 * i) + static_cast<std::size_t>(std::countl_zero(differing)));
    }
  }
  return k_key_bits;
}

Key Key::flipped(unsigned index) const {
  Key key = *this;
  key.bytes_[index / 8] ^= static_cast<std::uint8_t>(0x80U >> (index % 8));
  return key;
}

Bytes preimage(const Key& near, unsigned bits, std::uint32_t salt) {
  const unsigned wanted = std::min(bits, k_preimage_bits_max);
  Bytes raw(34);
  raw[0] = 0x12;  // SHA-256
  raw[1] = 0x20;  // of 32 bytes
  store_be32(MutableBytes(raw).subspan(2), salt);
  for (std::uint32_t count = 0;; ++count) {
    store_be32(MutableBytes(raw).subspan(6), count);
    if (Key::of(raw).common_prefix(near) >= wanted) {
      return raw;
    }
  }
}

}  // namespace vivim::libp2p::kad
