#include "vivim/chat/json.hpp"

#include <charconv>
#include <cstring>
#include <limits>

#include "vivim/chat/scan.hpp"
#include "vivim/chat/utf8_detail.hpp"

namespace vivim::chat {

using detail::JsonEntry;

const ErrorDomain& error_domain(JsonError) {
  static constexpr ErrorDomain k_domain{
      "json", [](int code) -> ErrorInfo {
        switch (static_cast<JsonError>(code)) {
          case JsonError::unexpected_end:
            return {"unexpected_end", "the JSON text ends inside a value", Blame::peer};
          case JsonError::unexpected_character:
            return {"unexpected_character", "this is not JSON", Blame::peer};
          case JsonError::bad_string:
            return {"bad_string", "an escape that JSON does not have", Blame::peer};
          case JsonError::bad_number:
            return {"bad_number", "a number that JSON does not have", Blame::peer};
          case JsonError::too_deep:
            return {"too_deep", "values are nested too deeply", Blame::peer};
          case JsonError::too_many_values:
            return {"too_many_values", "too many values in one text", Blame::peer};
          case JsonError::too_large:
            return {"too_large", "the JSON text is too large", Blame::peer};
          case JsonError::trailing_characters:
            return {"trailing_characters", "something follows the JSON value", Blame::peer};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Walks a text once and writes one entry per value. A function returns false after it has set the
/// error.
class Indexer {
 public:
  Indexer(std::string_view text, const JsonLimits& limits, std::vector<JsonEntry>& entries)
      : begin_(text.data()),
        at_(text.data()),
        end_(text.data() + text.size()),
        limits_(limits),
        entries_(entries) {}

  Result<void> run() {
    skip_space();
    bool ok = value();
    while (ok && !open_.empty()) {
      ok = step();
    }
    skip_space();
    if (ok && at_ != end_) {
      ok = refuse(JsonError::trailing_characters);
    }
    if (!ok) {
      return fail(error_, static_cast<std::uint64_t>(at_ - begin_));
    }
    return {};
  }

 private:
  void skip_space() { at_ = detail::skip_json_space(at_, end_); }

  bool refuse(JsonError error) {
    error_ = error;
    return false;
  }

  bool unexpected() {
    return refuse(at_ == end_ ? JsonError::unexpected_end : JsonError::unexpected_character);
  }

  std::uint32_t position() const { return static_cast<std::uint32_t>(at_ - begin_); }

  bool add(JsonType type, std::uint32_t begin, bool escaped = false) {
    if (entries_.size() >= limits_.values_max) {
      return refuse(JsonError::too_many_values);
    }
    entries_.push_back(
        {.begin = begin, .end = position(), .next = 1, .type = type, .escaped = escaped});
    return true;
  }

  /// One member or element of the innermost open container, or its end.
  bool step() {
    skip_space();
    const auto container = open_.back();
    const bool object = entries_[container].type == JsonType::object;
    if (at_ != end_ && *at_ == (object ? '}' : ']')) {
      close(container);
      return true;
    }
    if (entries_.size() > container + 1 && !take(',')) {
      return false;
    }
    return (!object || key()) && value();
  }

  void close(std::uint32_t container) {
    ++at_;
    entries_[container].end = position();
    entries_[container].next = static_cast<std::uint32_t>(entries_.size()) - container;
    open_.pop_back();
  }

  bool take(char expected) {
    if (at_ == end_ || *at_ != expected) {
      return unexpected();
    }
    ++at_;
    skip_space();
    return true;
  }

  bool key() {
    if (at_ == end_ || *at_ != '"') {
      return unexpected();
    }
    if (!string()) {
      return false;
    }
    skip_space();
    return take(':');
  }

  bool value() {
    if (at_ == end_) {
      return unexpected();
    }
    switch (*at_) {
      case '{':
        return open(JsonType::object);
      case '[':
        return open(JsonType::array);
      case '"':
        return string();
      case 't':
        return literal("true", JsonType::boolean);
      case 'f':
        return literal("false", JsonType::boolean);
      case 'n':
        return literal("null", JsonType::null);
      default:
        return number();
    }
  }

  bool open(JsonType type) {
    if (open_.size() >= limits_.depth_max) {
      return refuse(JsonError::too_deep);
    }
    open_.push_back(static_cast<std::uint32_t>(entries_.size()));
    const auto begin = position();
    ++at_;
    return add(type, begin);
  }

  bool literal(std::string_view word, JsonType type) {
    const auto begin = position();
    for (const char c : word) {
      if (at_ == end_ || *at_ != c) {
        return unexpected();
      }
      ++at_;
    }
    return add(type, begin);
  }

  bool digits() {
    if (at_ == end_ || !is_digit(*at_)) {
      return refuse(at_ == end_ ? JsonError::unexpected_end : JsonError::bad_number);
    }
    while (at_ != end_ && is_digit(*at_)) {
      ++at_;
    }
    return true;
  }

  bool number() {
    const auto begin = position();
    if (*at_ != '-' && !is_digit(*at_)) {
      return unexpected();
    }
    at_ += *at_ == '-' ? 1 : 0;
    const bool zero = at_ != end_ && *at_ == '0';
    const char* const first = at_;
    if (!digits()) {
      return false;
    }
    if (zero && at_ - first > 1) {
      return refuse(JsonError::bad_number);
    }
    if (at_ != end_ && *at_ == '.') {
      ++at_;
      if (!digits()) {
        return false;
      }
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      ++at_;
      at_ += at_ != end_ && (*at_ == '+' || *at_ == '-') ? 1 : 0;
      if (!digits()) {
        return false;
      }
    }
    return add(JsonType::number, begin);
  }

  bool string() {
    const auto begin = position();
    bool escaped = false;
    ++at_;
    while (true) {
      at_ = detail::find_string_special(at_, end_);
      if (at_ == end_) {
        return refuse(JsonError::unexpected_end);
      }
      if (*at_ == '"') {
        ++at_;
        return add(JsonType::string, begin, escaped);
      }
      escaped = true;
      if (!escape()) {
        return false;
      }
    }
  }

  bool escape() {
    if (end_ - at_ < 2) {
      at_ = end_;
      return refuse(JsonError::unexpected_end);
    }
    constexpr std::string_view k_simple = "\"\\/bfnrt";
    if (k_simple.find(at_[1]) != std::string_view::npos) {
      at_ += 2;
      return true;
    }
    if (at_[1] != 'u') {
      return refuse(JsonError::bad_string);
    }
    for (int i = 2; i < 6; ++i) {
      if (at_ + i >= end_) {
        at_ = end_;
        return refuse(JsonError::unexpected_end);
      }
      if (!is_hex(at_[i])) {
        return refuse(JsonError::bad_string);
      }
    }
    at_ += 6;
    return true;
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  const JsonLimits& limits_;
  std::vector<JsonEntry>& entries_;
  std::vector<std::uint32_t> open_;
  JsonError error_ = JsonError::unexpected_end;
};

std::uint32_t hex4(const char* at) {
  std::uint32_t value = 0;
  std::from_chars(at, at + 4, value, 16);
  return value;
}

bool is_high_surrogate(std::uint32_t unit) {
  return unit >= 0xd800 && unit < 0xdc00;
}
bool is_low_surrogate(std::uint32_t unit) {
  return unit >= 0xdc00 && unit < 0xe000;
}

/// Decodes the \u escape at `at` (and the one after it, if both are a pair); returns what follows.
const char* unescape_unicode(const char* at, const char* end, std::string& out) {
  std::uint32_t code = hex4(at + 2);
  at += 6;
  if (is_high_surrogate(code) && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
    const auto low = hex4(at + 2);
    if (is_low_surrogate(low)) {
      detail::append_utf8(out, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
      return at + 6;
    }
  }
  detail::append_utf8(out, is_high_surrogate(code) || is_low_surrogate(code) ? 0xfffd : code);
  return at;
}

char unescape_simple(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

/// Resolves the escapes of a string's inside, which the indexer has checked.
std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const char* const special = detail::find_string_special(at, end);
    out.append(at, special);
    at = special;
    if (at == end) {
      break;
    }
    if (at[1] == 'u') {
      at = unescape_unicode(at, end, out);
    } else {
      out.push_back(unescape_simple(at[1]));
      at += 2;
    }
  }
  return out;
}

}  // namespace

Result<void> JsonIndex::parse(std::string_view text, const JsonLimits& limits) {
  entries_.clear();
  text_ = text;
  if (text.size() > std::numeric_limits<std::int32_t>::max()) {
    return fail(JsonError::too_large, text.size());
  }
  auto outcome = Indexer(text, limits, entries_).run();
  if (!outcome) {
    entries_.clear();
    return outcome;
  }
  valid_utf8_ = is_utf8(text);
  return {};
}

JsonValue JsonIndex::root() const {
  return entries_.empty() ? JsonValue() : JsonValue(*this, entries_.front());
}

void JsonIndex::shrink() {
  entries_.clear();
  entries_.shrink_to_fit();
}

const JsonEntry* JsonValue::end_entry() const {
  return entry_ + entry_->next;
}

std::string_view JsonValue::raw() const {
  if (entry_ == nullptr) {
    return {};
  }
  return index_->text_.substr(entry_->begin, entry_->end - entry_->begin);
}

std::string JsonValue::string() const {
  if (!is_string()) {
    return {};
  }
  const auto inside = raw().substr(1, entry_->end - entry_->begin - 2);
  auto text = entry_->escaped ? unescape(inside) : std::string(inside);
  return index_->valid_utf8_ ? text : sanitize_utf8(text);
}

std::optional<double> JsonValue::number() const {
  if (type() != JsonType::number) {
    return std::nullopt;
  }
  const auto text = raw();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

bool JsonValue::is_true() const {
  return type() == JsonType::boolean && raw() == "true";
}

bool JsonValue::equals(std::string_view text) const {
  if (!is_string()) {
    return false;
  }
  if (entry_->escaped) {
    return string() == text;
  }
  return raw().substr(1, entry_->end - entry_->begin - 2) == text;
}

JsonValue JsonValue::operator[](std::string_view key) const {
  if (!is_object()) {
    return {};
  }
  const char* const text = index_->text_.data();
  for (const auto *at = entry_ + 1, *end = end_entry(); at != end; at += 1 + at[1].next) {
    const bool same = at->escaped
                          ? JsonValue(*index_, *at).equals(key)
                          : at->end - at->begin - 2 == key.size() &&
                                std::memcmp(text + at->begin + 1, key.data(), key.size()) == 0;
    if (same) {
      return JsonValue(*index_, at[1]);
    }
  }
  return {};
}

std::size_t JsonValue::size() const {
  std::size_t count = 0;
  for_each_element([&](JsonValue) { ++count; });
  for_each_member([&](JsonValue, JsonValue) { ++count; });
  return count;
}

}  // namespace vivim::chat
