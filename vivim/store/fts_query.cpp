#include "vivim/store/fts_query.hpp"

namespace vivim::store {
namespace {

bool is_space(char c) {
  return static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
}

/// The text without its excess, cut between UTF-8 characters.
std::string_view cut(std::string_view text) {
  if (text.size() <= k_search_bytes_max) {
    return text;
  }
  std::size_t end = k_search_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    --end;
  }
  return text.substr(0, end);
}

void add_quoted(std::string& query, std::string_view words) {
  if (!query.empty()) {
    query.push_back(' ');
  }
  query.push_back('"');
  for (const char c : words) {
    query.push_back(is_space(c) ? ' ' : c);
  }
  query.push_back('"');
}

bool has_word(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") != std::string_view::npos;
}

}  // namespace

std::string fts_query(std::string_view text) {
  text = cut(text);
  std::string query;
  std::size_t words = 0;
  std::size_t at = 0;
  while (at < text.size() && words < k_search_words_max) {
    if (is_space(text[at])) {
      ++at;
      continue;
    }
    const bool quoted = text[at] == '"';
    const std::size_t begin = quoted ? at + 1 : at;
    std::size_t end = begin;
    while (end < text.size() && text[end] != '"' && (quoted || !is_space(text[end]))) {
      ++end;
    }
    if (const auto word = text.substr(begin, end - begin); has_word(word)) {
      add_quoted(query, word);
      ++words;
      if (!quoted && end == text.size()) {
        query.push_back('*');
      }
    }
    at = quoted && end < text.size() ? end + 1 : end;
  }
  return query;
}

}  // namespace vivim::store
