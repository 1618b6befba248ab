#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// Text as a terminal shows it: columns, not bytes. Widths need a UTF-8 LC_CTYPE (main sets it).
namespace vivim::cli {

/// What a stranger wrote, made harmless for a terminal: control characters (escape sequences too)
/// become visible pictures, direction overrides go, bytes that are not UTF-8 become U+FFFD. New
/// lines and tabs stay.
std::string sanitize(std::string_view text);

/// The same on one line: every run of white space becomes one space, none at the ends.
std::string one_line(std::string_view text);

/// Columns that sanitized text takes.
std::size_t display_width(std::string_view text);

/// At most `columns` wide; what is cut off is replaced by "…".
std::string truncate(std::string_view text, std::size_t columns);

enum class Align : unsigned char { left, right };

/// Filled with spaces up to `columns`.
std::string pad(std::string text, std::size_t columns, Align align);

/// Lines of at most `columns`, broken between words where there are any; lines of the text stay
/// lines, and what a line is indented by stays too.
std::vector<std::string> wrap(std::string_view text, std::size_t columns);

}  // namespace vivim::cli
