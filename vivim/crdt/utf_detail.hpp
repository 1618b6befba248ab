#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// UTF-8 and UTF-16 as JavaScript has them: strings are UTF-16 code units that may hold lone
/// surrogates.
namespace vivim::crdt::detail {

inline constexpr char16_t k_replacement = 0xfffd;
inline constexpr std::string_view k_replacement_utf8 = "\xef\xbf\xbd";

inline bool is_high_surrogate(char16_t unit) {
  return (unit & 0xfc00) == 0xd800;
}
inline bool is_low_surrogate(char16_t unit) {
  return (unit & 0xfc00) == 0xdc00;
}

/// Bytes at the start of `text` that are ASCII.
std::size_t ascii_prefix(std::string_view text);

/// UTF-16 units that valid UTF-8 decodes to; nothing if it is not valid (overlong, surrogates,
/// above U+10FFFF).
std::optional<std::size_t> long_utf16_length(std::string_view utf8);
inline std::optional<std::size_t> utf16_length(std::string_view utf8) {
  if (utf8.size() < 8) {  // most of what people type
    std::uint8_t bits = 0;
    for (const char byte : utf8) {
      bits |= static_cast<std::uint8_t>(byte);
    }
    if (bits < 0x80) {
      return utf8.size();
    }
  }
  return long_utf16_length(utf8);
}

/// Appends valid UTF-8 as UTF-16.
void append_utf16(std::u16string& out, std::string_view utf8);

/// Any bytes to valid UTF-8: what is wrong becomes U+FFFD. Valid input is returned as it is.
std::string repaired_utf8(std::string_view bytes);

/// Appends UTF-16 as UTF-8; lone surrogates become U+FFFD. `Out` has push_back.
template <class Out>
void append_utf8(Out& out, const char16_t* units, std::size_t count) {
  using Byte = typename Out::value_type;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t c = units[i];
    if (c < 0x80) {
      out.push_back(static_cast<Byte>(c));
      continue;
    }
    if (c < 0x800) {
      out.push_back(static_cast<Byte>(0xc0 | (c >> 6)));
      out.push_back(static_cast<Byte>(0x80 | (c & 0x3f)));
      continue;
    }
    if (is_high_surrogate(units[i]) && i + 1 < count && is_low_surrogate(units[i + 1])) {
      c = 0x10000 + ((c & 0x3ff) << 10) + (units[++i] & 0x3ffU);
      out.push_back(static_cast<Byte>(0xf0 | (c >> 18)));
      out.push_back(static_cast<Byte>(0x80 | ((c >> 12) & 0x3f)));
    } else {
      if ((c & 0xf800) == 0xd800) {
        c = k_replacement;
      }
      out.push_back(static_cast<Byte>(0xe0 | (c >> 12)));
    }
    out.push_back(static_cast<Byte>(0x80 | ((c >> 6) & 0x3f)));
    out.push_back(static_cast<Byte>(0x80 | (c & 0x3f)));
  }
}

}  // namespace vivim::crdt::detail
