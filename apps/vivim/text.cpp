#include "apps/vivim/text.hpp"

#include <cwchar>

namespace vivim::cli {

namespace {

constexpr char32_t k_replacement = 0xFFFD;
constexpr std::size_t k_tab_columns = 4;

struct Decoded {
  char32_t character = k_replacement;
  std::size_t size = 1;
};

bool is_continuation(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

/// The smallest value that needs a sequence of this size: anything below is an overlong form.
constexpr char32_t k_smallest[] = {0, 0, 0x80, 0x800, 0x10000};

Decoded decode(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) {
    return {first, 1};
  }
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) {
    return {};
  }
  char32_t value = first & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(text, at + i)) {
      return {};
    }
    value = (value << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < k_smallest[size] || value > 0x10FFFF || surrogate) {
    return {};
  }
  return {value, size};
}

void encode(std::string& out, char32_t value) {
  if (value < 0x80) {
    out.push_back(static_cast<char>(value));
  } else if (value < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (value >> 6)));
    out.push_back(static_cast<char>(0x80 | (value & 0x3F)));
  } else if (value < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (value >> 12)));
    out.push_back(static_cast<char>(0x80 | ((value >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (value & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | (value >> 18)));
    out.push_back(static_cast<char>(0x80 | ((value >> 12) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | ((value >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (value & 0x3F)));
  }
}

bool is_direction_override(char32_t c) {
  return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

void append_harmless(std::string& out, char32_t c) {
  if (c == '\n' || c == '\t' || (c >= 0x20 && c < 0x7F)) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x20) {
    encode(out, 0x2400 + c);
  } else if (c == 0x7F) {
    encode(out, 0x2421);
  } else if (c < 0xA0) {
    encode(out, k_replacement);
  } else if (!is_direction_override(c)) {
    encode(out, c);
  }
}

std::size_t columns_of(char32_t c) {
  const int columns = ::wcwidth(static_cast<wchar_t>(c));
  return columns < 0 ? 1 : static_cast<std::size_t>(columns);
}

/// The longest start of `text` that is at most `columns` wide, in bytes; at least one character.
std::size_t prefix_of_width(std::string_view text, std::size_t columns) {
  std::size_t at = 0;
  std::size_t width = 0;
  while (at < text.size()) {
    const auto [character, size] = decode(text, at);
    width += columns_of(character);
    if (width > columns && at > 0) {
      break;
    }
    at += size;
  }
  return at;
}

std::string expand_tabs(std::string_view line) {
  std::string out;
  for (const char c : line) {
    if (c == '\t') {
      out.append(k_tab_columns, ' ');
    } else {
      out.push_back(c);
    }
  }
  return out;
}

/// Wraps one line of a text; `indent` is repeated on the lines that follow.
void wrap_line(std::string_view line, std::size_t columns, std::vector<std::string>& out) {
  const std::size_t start = std::min(line.find_first_not_of(' '), line.size());
  const std::string indent(std::min(start, columns / 2), ' ');
  const std::size_t room = columns - indent.size();
  std::string_view rest = line.substr(start);
  while (display_width(rest) > room) {
    std::size_t cut = prefix_of_width(rest, room);
    std::size_t next = cut;
    if (const auto space = rest.rfind(' ', cut); space != rest.npos && space > 0) {
      cut = space;
      next = space + 1;
    }
    out.push_back(indent + std::string(rest.substr(0, cut)));
    rest = rest.substr(next);
  }
  out.push_back(rest.empty() ? "" : indent + std::string(rest));
}

}  // namespace

std::string sanitize(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto [character, size] = decode(text, at);
    at += size;
    const bool crlf = character == '\r' && at < text.size() && text[at] == '\n';
    if (!crlf) {
      append_harmless(out, character);
    }
  }
  return out;
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : sanitize(text)) {
    const bool space = c == ' ' || c == '\n' || c == '\t';
    if (!space) {
      out.push_back(c);
    } else if (!out.empty() && out.back() != ' ') {
      out.push_back(' ');
    }
  }
  if (!out.empty() && out.back() == ' ') {
    out.pop_back();
  }
  return out;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto [character, size] = decode(text, at);
    width += columns_of(character);
    at += size;
  }
  return width;
}

std::string truncate(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) {
    return std::string(text);
  }
  if (columns <= 1) {
    return columns == 0 ? "" : "…";
  }
  std::string_view kept = text.substr(0, prefix_of_width(text, columns - 1));
  while (!kept.empty() && kept.back() == ' ') {
    kept.remove_suffix(1);
  }
  return std::string(kept) + "…";
}

std::string pad(std::string text, std::size_t columns, Align align) {
  const std::size_t width = display_width(text);
  if (width < columns) {
    text.insert(align == Align::left ? text.size() : 0, columns - width, ' ');
  }
  return text;
}

std::vector<std::string> wrap(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines;
  while (true) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    wrap_line(expand_tabs(text.substr(0, end)), std::max<std::size_t>(columns, 8), lines);
    if (end == text.size()) {
      return lines;
    }
    text.remove_prefix(end + 1);
  }
}

}  // namespace vivim::cli
