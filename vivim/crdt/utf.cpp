#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "vivim/crdt/utf_detail.hpp"

namespace vivim::crdt::detail {
namespace {

struct Scalar {
  std::uint32_t value = 0;
  std::size_t size = 0;  // 0: not valid
};

bool continuation(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<std::uint8_t>(text[at]) & 0xc0) == 0x80;
}

std::uint32_t low_bits(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]) & 0x3fU;
}

// One scalar value at `at`, by the table of well-formed byte sequences of Unicode 3.9.
Scalar decode_scalar(std::string_view text, std::size_t at) {
  const auto first = static_cast<std::uint8_t>(text[at]);
  if (first < 0x80) {
    return {first, 1};
  }
  if (first >= 0xc2 && first <= 0xdf && continuation(text, at + 1)) {
    return {(first & 0x1fU) << 6 | low_bits(text, at + 1), 2};
  }
  if ((first & 0xf0) == 0xe0 && continuation(text, at + 1) && continuation(text, at + 2)) {
    const std::uint32_t value =
        (first & 0x0fU) << 12 | low_bits(text, at + 1) << 6 | low_bits(text, at + 2);
    return value >= 0x800 && (value & 0xf800) != 0xd800 ? Scalar{value, 3} : Scalar{};
  }
  if (first >= 0xf0 && first <= 0xf4 && continuation(text, at + 1) && continuation(text, at + 2) &&
      continuation(text, at + 3)) {
    const std::uint32_t value = (first & 0x07U) << 18 | low_bits(text, at + 1) << 12 |
                                low_bits(text, at + 2) << 6 | low_bits(text, at + 3);
    return value >= 0x10000 && value <= 0x10ffff ? Scalar{value, 4} : Scalar{};
  }
  return {};
}

}  // namespace

std::size_t ascii_prefix(std::string_view text) {
  constexpr std::uint64_t k_high_bits = 0x8080'8080'8080'8080;
  std::size_t at = 0;
#if defined(__SSE2__)
  for (; at + 16 <= text.size(); at += 16) {
    const auto block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    if (const auto high = static_cast<unsigned>(_mm_movemask_epi8(block)); high != 0) {
      return at + static_cast<std::size_t>(std::countr_zero(high));
    }
  }
#endif
  while (at + 8 <= text.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    if ((word & k_high_bits) != 0) {
      return at + static_cast<std::size_t>(std::countr_zero(word & k_high_bits)) / 8;
    }
    at += 8;
  }
  while (at < text.size() && static_cast<std::uint8_t>(text[at]) < 0x80) {
    ++at;
  }
  return at;
}

std::optional<std::size_t> long_utf16_length(std::string_view utf8) {
  std::size_t at = ascii_prefix(utf8);
  std::size_t units = at;
  while (at < utf8.size()) {
    const Scalar scalar = decode_scalar(utf8, at);
    if (scalar.size == 0) {
      return std::nullopt;
    }
    at += scalar.size;
    units += scalar.value >= 0x10000 ? 2 : 1;
    if (at < utf8.size() && static_cast<std::uint8_t>(utf8[at]) < 0x80) {
      const std::size_t ascii = ascii_prefix(utf8.substr(at));
      at += ascii;
      units += ascii;
    }
  }
  return units;
}

void append_utf16(std::u16string& out, std::string_view utf8) {
  for (std::size_t at = 0; at < utf8.size();) {
    const std::string_view ascii = utf8.substr(at, ascii_prefix(utf8.substr(at)));
    out.append(ascii.begin(), ascii.end());
    at += ascii.size();
    if (at == utf8.size()) {
      return;
    }
    const Scalar scalar = decode_scalar(utf8, at);
    at += scalar.size;
    if (scalar.value >= 0x10000) {
      out.push_back(static_cast<char16_t>(0xd800 + ((scalar.value - 0x10000) >> 10)));
      out.push_back(static_cast<char16_t>(0xdc00 + (scalar.value & 0x3ff)));
    } else {
      out.push_back(static_cast<char16_t>(scalar.value));
    }
  }
}

std::string repaired_utf8(std::string_view bytes) {
  if (utf16_length(bytes)) {
    return std::string(bytes);
  }
  std::string out;
  for (std::size_t at = 0; at < bytes.size();) {
    const Scalar scalar = decode_scalar(bytes, at);
    if (scalar.size == 0) {
      out += "\xef\xbf\xbd";
      ++at;
    } else {
      out += bytes.substr(at, scalar.size);
      at += scalar.size;
    }
  }
  return out;
}

}  // namespace vivim::crdt::detail
