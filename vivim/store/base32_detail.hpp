#pragma once

#include <string>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/store/error.hpp"

namespace vivim::store::detail {

/// RFC 4648 base32, lower case, no padding.
inline std::string encode_base32(BytesView bytes) {
  constexpr std::string_view k_alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  std::string text;
  text.reserve((bytes.size() * 8 + 4) / 5);
  std::uint32_t bits = 0;
  int count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8 | byte) & 0xfff;
    for (count += 8; count >= 5; count -= 5) {
      text.push_back(k_alphabet[bits >> (count - 5) & 31]);
    }
  }
  if (count > 0) {
    text.push_back(k_alphabet[bits << (5 - count) & 31]);
  }
  return text;
}

/// The 5 bits that a character stands for, or 32.
inline std::uint32_t base32_value(char c) {
  if (c >= 'a' && c <= 'z') {
    return static_cast<std::uint32_t>(c - 'a');
  }
  return c >= '2' && c <= '7' ? static_cast<std::uint32_t>(c - '2' + 26) : 32;
}

/// Strict: lower case, no padding, unused bits zero, no superfluous character.
inline Result<Bytes> decode_base32(std::string_view text) {
  Bytes bytes;
  bytes.reserve(text.size() * 5 / 8);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::uint32_t value = base32_value(c);
    if (value > 31) {
      return fail(StoreError::malformed);
    }
    bits = (bits << 5 | value) & 0xfff;
    count += 5;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<std::uint8_t>(bits >> count));
    }
  }
  if (count >= 5 || (bits & ((1U << count) - 1)) != 0) {
    return fail(StoreError::malformed);
  }
  return bytes;
}

}  // namespace vivim::store::detail
