#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vivim::store {

/// What is used of a search text; the rest is ignored.
inline constexpr std::size_t k_search_bytes_max = 1024;
inline constexpr std::size_t k_search_words_max = 32;

/// Turns what a person typed into an FTS5 query that is never a syntax error: all words must occur,
/// a "quoted phrase" as it stands, and the last word (unless quoted or followed by a space) may be
/// the beginning of a longer one. Every word is quoted, so that none is an operator. An open quote
/// ends with the text. Empty if there is nothing to look for.
std::string fts_query(std::string_view text);

}  // namespace vivim::store
