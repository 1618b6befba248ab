#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vivim::cli {

/// One of the program's output streams, as far as layout cares.
struct Terminal {
  bool is_terminal = false;
  bool colour = false;       ///< a terminal, and neither NO_COLOR nor TERM=dumb
  std::size_t columns = 80;  ///< 80 when it is not a terminal and COLUMNS is not set

  /// Looks at a file descriptor and the environment.
  static Terminal of(int descriptor);
};

enum class Style : unsigned char { plain, bold, dim, red, green, yellow, cyan };

/// `text` in a style, where there are colours.
std::string styled(const Terminal& terminal, Style style, std::string_view text);

}  // namespace vivim::cli
