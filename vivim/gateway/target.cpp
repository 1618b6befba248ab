#include "vivim/gateway/target.hpp"

#include <algorithm>

#include "vivim/base/utf8.hpp"

namespace vivim::gateway {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

bool acceptable_segment(std::string_view segment) {
  return !segment.empty() && segment != "." && segment != ".." && is_utf8(segment) &&
         !has_control(segment) && segment.find_first_of("/\\") == std::string_view::npos;
}

bool parse_path(std::string_view path, Target& out) {
  path.remove_prefix(1);
  while (!path.empty()) {
    const auto slash = path.find('/');
    auto segment = percent_decode(path.substr(0, slash), Plus::literal);
    if (!segment || !acceptable_segment(*segment) || out.segments.size() == k_segments_max) {
      return false;
    }
    out.segments.push_back(std::move(*segment));
    if (slash == std::string_view::npos) {
      return true;
    }
    path.remove_prefix(slash + 1);
  }
  out.trailing_slash = true;
  return true;
}

bool parse_query(std::string_view query, Target& out) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    if (pair.empty()) {
      continue;
    }
    const auto equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), Plus::space);
    auto value = equals == std::string_view::npos
                     ? std::optional<std::string>("")
                     : percent_decode(pair.substr(equals + 1), Plus::space);
    if (!name || !value || !is_utf8(*name) || !is_utf8(*value) ||
        out.query.size() == k_query_parameters_max) {
      return false;
    }
    out.query.emplace_back(std::move(*name), std::move(*value));
  }
  return true;
}

}  // namespace

std::optional<std::string_view> Target::find(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) {
      return value;
    }
  }
  return std::nullopt;
}

std::optional<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::space) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return std::nullopt;
      }
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view k_hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(k_hex[byte >> 4]);
      out.push_back(k_hex[byte & 15]);
    }
  }
  return out;
}

std::optional<Target> parse_target(std::string_view target) {
  target = target.substr(0, target.find('#'));
  if (!target.starts_with('/')) {
    return std::nullopt;
  }
  const auto question = target.find('?');
  Target parsed;
  parsed.path = target.substr(0, question);
  if (!parse_path(parsed.path, parsed)) {
    return std::nullopt;
  }
  if (question != std::string_view::npos && !parse_query(target.substr(question + 1), parsed)) {
    return std::nullopt;
  }
  return parsed;
}

}  // namespace vivim::gateway
