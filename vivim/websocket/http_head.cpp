#include "vivim/websocket/http_head.hpp"

#include <algorithm>

namespace vivim::websocket {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_token_character(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return letter || std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

/// Visible characters, spaces, tabs and bytes above ASCII (RFC 9110 section 5.5).
bool is_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

Result<std::size_t> HttpHead::feed(BytesView in) {
  if (done_) {
    return 0;
  }
  constexpr std::string_view k_end = "\r\n\r\n";
  const std::size_t before = text_.size();
  text_ += as_text(in.first(std::min(in.size(), k_head_bytes_max + 1 - before)));
  const std::size_t searched = before < k_end.size() ? 0 : before - (k_end.size() - 1);
  const std::size_t end = text_.find(k_end, searched);
  if (end == std::string::npos) {
    return text_.size() > k_head_bytes_max
               ? Result<std::size_t>(fail(WebSocketError::head_too_large, k_head_bytes_max))
               : Result<std::size_t>(in.size());
  }
  const std::size_t size = end + k_end.size();
  if (size > k_head_bytes_max) {
    return fail(WebSocketError::head_too_large, k_head_bytes_max);
  }
  text_.resize(size);
  done_ = true;
  VIVIM_TRYV(parse());
  return size - before;
}

Result<void> HttpHead::parse() {
  std::string_view rest = std::string_view(text_).substr(0, text_.size() - 2);
  bool first = true;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (!is_text(line)) {
      return fail(WebSocketError::bad_head);
    }
    if (std::exchange(first, false)) {
      start_line_ = line;
    } else {
      VIVIM_TRYV(parse_field(line));
    }
  }
  return {};
}

Result<void> HttpHead::parse_field(std::string_view line) {
  if (fields_.size() == k_head_fields_max) {
    return fail(WebSocketError::head_too_large, k_head_fields_max);
  }
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || name.empty() ||
      !std::ranges::all_of(name, is_token_character)) {
    return fail(WebSocketError::bad_head);
  }
  fields_.emplace_back(name, trim(line.substr(colon + 1)));
  return {};
}

std::optional<std::string_view> HttpHead::find(std::string_view name) const {
  for (const auto& [known, value] : fields_) {
    if (equals_ignoring_case(known, name)) {
      return value;
    }
  }
  return std::nullopt;
}

std::size_t HttpHead::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      fields_, [name](const auto& field) { return equals_ignoring_case(field.first, name); }));
}

bool HttpHead::has_token(std::string_view name, std::string_view token) const {
  for (const auto& [known, value] : fields_) {
    std::string_view rest = value;
    while (equals_ignoring_case(known, name) && !rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (equals_ignoring_case(trim(rest.substr(0, comma)), token)) {
        return true;
      }
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

}  // namespace vivim::websocket
