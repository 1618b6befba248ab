#include "vivim/base/utf8.hpp"

#include <cstddef>
#include <cstdint>

namespace vivim {

namespace {

/// What a lead byte promises: how many bytes follow, and the range of the first of them.
struct Lead {
  std::size_t tail = 0;  ///< 0: not a lead byte
  std::uint8_t second_min = 0x80;
  std::uint8_t second_max = 0xbf;
};

Lead classify(std::uint8_t byte) {
  if (byte >= 0xc2 && byte <= 0xdf) {
    return {.tail = 1};
  }
  if (byte >= 0xe0 && byte <= 0xef) {
    return {.tail = 2,
            .second_min = static_cast<std::uint8_t>(byte == 0xe0 ? 0xa0 : 0x80),
            .second_max = static_cast<std::uint8_t>(byte == 0xed ? 0x9f : 0xbf)};
  }
  if (byte >= 0xf0 && byte <= 0xf4) {
    return {.tail = 3,
            .second_min = static_cast<std::uint8_t>(byte == 0xf0 ? 0x90 : 0x80),
            .second_max = static_cast<std::uint8_t>(byte == 0xf4 ? 0x8f : 0xbf)};
  }
  return {};
}

}  // namespace

bool is_utf8(std::string_view text) {
  const auto at = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    if (at(i) < 0x80) {
      ++i;
      continue;
    }
    const Lead lead = classify(at(i));
    if (lead.tail == 0 || text.size() - i <= lead.tail || at(i + 1) < lead.second_min ||
        at(i + 1) > lead.second_max) {
      return false;
    }
    for (std::size_t k = 2; k <= lead.tail; ++k) {
      if ((at(i + k) & 0xc0) != 0x80) {
        return false;
      }
    }
    i += lead.tail + 1;
  }
  return true;
}

}  // namespace vivim
