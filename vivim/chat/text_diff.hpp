#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vivim::chat {

/// Replace `remove` UTF-16 units at `index` of the old text by `insert`.
struct TextEdit {
  std::uint32_t index = 0;
  std::uint32_t remove = 0;
  std::string insert;
  friend bool operator==(const TextEdit&, const TextEdit&) = default;
};

/// Above this many single insertions and removals the middle is replaced as a whole.
inline constexpr std::size_t k_diff_steps_max = 512;

/// The fewest insertions and removals that make `after` of `before` (both UTF-8), never inside a
/// code point; from the end to the beginning, so that they can be applied in this order. Small
/// edits of long texts are found exactly (Myers's algorithm); of large ones, the common beginning
/// and end are kept.
std::vector<TextEdit> diff_text(std::string_view before, std::string_view after);

}  // namespace vivim::chat
