#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <string>

#include "vivim/crdt/json_detail.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/utf_detail.hpp"

namespace vivim::crdt::detail {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::optional<Any> document() {
    auto result = value(0);
    space();
    return at_ == text_.size() ? std::move(result) : std::nullopt;
  }

 private:
  void space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").contains(text_[at_])) {
      ++at_;
    }
  }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) {
      return false;
    }
    at_ += word.size();
    return true;
  }

  std::optional<Any> value(std::uint32_t depth) {
    space();
    if (at_ == text_.size() || depth > lib0::k_any_depth_max) {
      return std::nullopt;
    }
    switch (text_[at_]) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"': {
        auto text = string();
        return text ? std::optional(Any(std::move(*text))) : std::nullopt;
      }
      default:
        return word();
    }
  }

  std::optional<Any> number() {
    double number = 0;
#ifdef _LIBCPP_VERSION  // libc++ 19 reads no floating point from characters
    const auto is_digit = [](char c) {
      return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
    };
    const auto end = std::find_if_not(text_.begin() + at_, text_.end(), is_digit);
    const std::string digits(text_.begin() + at_, end);
    char* read = nullptr;
    number = std::strtod(digits.c_str(), &read);
    if (read == digits.c_str() || digits.front() == '+') {
      return std::nullopt;
    }
    at_ += static_cast<std::size_t>(read - digits.c_str());
#else
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
    if (error != std::errc{}) {
      return std::nullopt;
    }
    at_ = static_cast<std::size_t>(end - text_.data());
#endif
    return Any(number);
  }

  std::optional<Any> word() {
    if (take("null")) {
      return Any(nullptr);
    }
    if (take("true")) {
      return Any(true);
    }
    if (take("false")) {
      return Any(false);
    }
    return number();
  }

  std::optional<Any> array(std::uint32_t depth) {
    ++at_;
    Any::Array values;
    space();
    if (take("]")) {
      return Any(std::move(values));
    }
    while (true) {
      auto element = value(depth + 1);
      if (!element) {
        return std::nullopt;
      }
      values.push_back(std::move(*element));
      space();
      if (take("]")) {
        return Any(std::move(values));
      }
      if (!take(",")) {
        return std::nullopt;
      }
    }
  }

  std::optional<Any> object(std::uint32_t depth) {
    ++at_;
    Any::Object members;
    space();
    if (take("}")) {
      return Any(std::move(members));
    }
    while (true) {
      space();
      auto key = string();
      space();
      if (!key || !take(":")) {
        return std::nullopt;
      }
      auto member = value(depth + 1);
      if (!member) {
        return std::nullopt;
      }
      members.emplace_back(std::move(*key), std::move(*member));
      space();
      if (take("}")) {
        return Any(std::move(members));
      }
      if (!take(",")) {
        return std::nullopt;
      }
    }
  }

  std::optional<std::string> string() {
    if (!take("\"")) {
      return std::nullopt;
    }
    std::u16string escaped;
    std::string out;
    const auto flush = [&] {
      append_utf8(out, escaped.data(), escaped.size());
      escaped.clear();
    };
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') {
        flush();
        return out;
      }
      if (c != '\\') {
        flush();
        out += c;
        continue;
      }
      const auto unit = escape();
      if (!unit) {
        return std::nullopt;
      }
      escaped.push_back(*unit);
    }
    return std::nullopt;
  }

  std::optional<char16_t> escape() {
    constexpr std::string_view k_names = "\"\\/bfnrt";
    constexpr std::string_view k_values = "\"\\/\b\f\n\r\t";
    if (at_ == text_.size()) {
      return std::nullopt;
    }
    const char name = text_[at_++];
    if (const auto i = k_names.find(name); i != std::string_view::npos) {
      return static_cast<char16_t>(k_values[i]);
    }
    std::uint16_t unit = 0;
    const auto digits = text_.substr(at_, 4);
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16).ptr;
    if (name != 'u' || digits.size() != 4 || end != digits.data() + 4) {
      return std::nullopt;
    }
    at_ += 4;
    return static_cast<char16_t>(unit);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::string> canonical_json(std::string_view json) {
  if (json == "true" || json == "null" || json == "false" || json == "undefined") {
    return std::nullopt;
  }
  const Any value = parse_json(json);
  if (value.is_undefined()) {
    return std::nullopt;
  }
  std::string text = value.to_json();
  return text == json ? std::nullopt : std::optional(std::move(text));
}

std::optional<std::uint32_t> array_index(std::string_view key) {
  if (key.empty() || key.size() > 10 || (key[0] == '0' && key.size() > 1)) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  for (const char c : key) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value < 0xffff'ffff ? std::optional(static_cast<std::uint32_t>(value)) : std::nullopt;
}

std::vector<std::pair<std::string_view, const Any*>> enumerated(const Any::Object& object) {
  std::vector<std::pair<std::string_view, const Any*>> members;
  std::vector<std::pair<std::string_view, std::size_t>> by_key;
  members.reserve(object.size());
  by_key.reserve(object.size());
  for (const auto& [key, value] : object) {
    by_key.emplace_back(key, members.size());
    members.emplace_back(key, &value);
  }
  std::ranges::sort(by_key);
  for (std::size_t i = by_key.size(); i-- > 1;) {
    if (by_key[i].first == by_key[i - 1].first) {
      members[by_key[i - 1].second].second = members[by_key[i].second].second;
      members[by_key[i].second].second = nullptr;
    }
  }
  std::vector<std::pair<std::string_view, const Any*>> in_order;
  std::vector<std::pair<std::uint32_t, std::size_t>> indexes;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (const auto index = array_index(members[i].first); index && members[i].second != nullptr) {
      indexes.emplace_back(*index, i);
    }
  }
  std::ranges::sort(indexes);
  for (const auto& [index, at] : indexes) {
    in_order.push_back(members[at]);
    members[at].second = nullptr;
  }
  std::ranges::copy_if(members, std::back_inserter(in_order),
                       [](const auto& member) { return member.second != nullptr; });
  return in_order;
}

Any parse_json(std::string_view json) {
  return Parser(json).document().value_or(Any());
}

}  // namespace vivim::crdt::detail
