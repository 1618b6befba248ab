#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vivim/base/bytes.hpp"

namespace vivim::crypto::test {

/// The bytes that a vector of a specification spells, in either case.
inline Bytes hex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  Bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(digit(text[i]) * 16 + digit(text[i + 1])));
  }
  return out;
}

}  // namespace vivim::crypto::test
