#include "vivim/base/bytes.hpp"

#include "vivim/base/assert.hpp"

namespace vivim {

namespace {

template <class Int>
void store_be(MutableBytes at, Int value) {
  VIVIM_ASSERT(at.size() >= sizeof(Int));
  for (std::size_t i = 0; i < sizeof(Int); ++i) {
    at[i] = static_cast<std::uint8_t>(value >> (8 * (sizeof(Int) - 1 - i)));
  }
}

template <class Int>
Int load_be(BytesView at) {
  VIVIM_ASSERT(at.size() >= sizeof(Int));
  Int value = 0;
  for (std::size_t i = 0; i < sizeof(Int); ++i) {
    value = static_cast<Int>((value << 8) | at[i]);
  }
  return value;
}

}  // namespace

void store_be16(MutableBytes at, std::uint16_t value) {
  store_be(at, value);
}
void store_be32(MutableBytes at, std::uint32_t value) {
  store_be(at, value);
}
void store_be64(MutableBytes at, std::uint64_t value) {
  store_be(at, value);
}
std::uint16_t load_be16(BytesView at) {
  return load_be<std::uint16_t>(at);
}
std::uint32_t load_be32(BytesView at) {
  return load_be<std::uint32_t>(at);
}
std::uint64_t load_be64(BytesView at) {
  return load_be<std::uint64_t>(at);
}

std::string to_hex(BytesView bytes) {
  constexpr std::string_view k_digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    out.push_back(k_digits[byte >> 4]);
    out.push_back(k_digits[byte & 0x0f]);
  }
  return out;
}

}  // namespace vivim
