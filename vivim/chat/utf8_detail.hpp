#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vivim::chat::detail {

/// Appends a code point (not a surrogate, at most 0x10ffff).
void append_utf8(std::string& out, std::uint32_t code);

/// How many bytes at the start of `text` (not empty) are one valid UTF-8 sequence; 0 if none are.
std::size_t utf8_sequence(std::string_view text);

/// UTF-16 code units that valid UTF-8 text has in JavaScript.
std::uint32_t utf16_length(std::string_view text);

}  // namespace vivim::chat::detail
