#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/result.hpp"

namespace vivim::chat {

enum class JsonError {
  unexpected_end,        ///< the text ends inside a value
  unexpected_character,  ///< not JSON at this position
  bad_string,            ///< an escape that JSON does not have
  bad_number,            ///< a number that JSON does not have
  too_deep,              ///< nested deeper than the limit
  too_many_values,       ///< more values than the limit
  too_large,             ///< the text is longer than 2 GiB
  trailing_characters,   ///< something follows the value
};
/// The detail of every JsonError is the byte position in the text.
const ErrorDomain& error_domain(JsonError);

enum class JsonType : std::uint8_t { absent, null, boolean, number, string, array, object };

/// Limits of one text; see docs/limits.md.
struct JsonLimits {
  std::uint32_t depth_max = 256;
  std::uint32_t values_max = 8'000'000;  ///< keys count as values; 16 bytes of index each
};

namespace detail {

/// One value of a text: where it stands, and how many entries it and what is inside it take.
struct JsonEntry {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t next = 0;
  JsonType type = JsonType::absent;
  bool escaped = false;
};

}  // namespace detail

class JsonIndex;

/// A value inside a JsonIndex: a cheap handle, valid until the index parses again. Every question
/// may be asked of every value; what does not apply (a member of a number, a value that is absent)
/// answers "absent" or nothing.
class JsonValue {
 public:
  JsonValue() = default;

  JsonType type() const { return entry_ == nullptr ? JsonType::absent : entry_->type; }
  bool is_absent() const { return type() == JsonType::absent; }
  bool is_object() const { return type() == JsonType::object; }
  bool is_array() const { return type() == JsonType::array; }
  bool is_string() const { return type() == JsonType::string; }
  /// Absent or null.
  bool is_nothing() const { return type() == JsonType::absent || type() == JsonType::null; }

  /// The value exactly as it stands in the text (a string with its quotes); empty if absent.
  std::string_view raw() const;
  /// A string's text as valid UTF-8: escapes resolved, lone surrogates and bytes that are not UTF-8
  /// become U+FFFD. Empty for everything else.
  std::string string() const;
  /// A number; nothing for everything else, and for what no double can hold.
  std::optional<double> number() const;
  /// True only for `true`.
  bool is_true() const;
  /// True if this is a string with exactly this text.
  bool equals(std::string_view text) const;

  /// The first member of that name.
  JsonValue operator[](std::string_view key) const;
  /// Elements of an array, or members of an object; 0 for everything else. Linear.
  std::size_t size() const;

  /// Calls `visit(JsonValue)` for each element of an array.
  template <class Visit>
  void for_each_element(Visit visit) const;
  /// Calls `visit(JsonValue key, JsonValue value)` for each member of an object, in the text's
  /// order.
  template <class Visit>
  void for_each_member(Visit visit) const;

 private:
  friend class JsonIndex;
  JsonValue(const JsonIndex& index, const detail::JsonEntry& entry)
      : index_(&index), entry_(&entry) {}
  const detail::JsonEntry* end_entry() const;

  const JsonIndex* index_ = nullptr;
  const detail::JsonEntry* entry_ = nullptr;
};

/// An index over a JSON text: where each value begins and ends. The text is not copied, so that
/// every value can also be had verbatim. Strict about structure; lenient about control characters
/// and bad UTF-8 inside strings, which real exports contain. One index serves many texts, one after
/// the other.
class JsonIndex {
 public:
  /// Indexes `text`, which must stay while values are used. Errors: every JsonError, with the
  /// position as detail.
  Result<void> parse(std::string_view text, const JsonLimits& limits = {});

  /// The whole value of the last successful parse.
  JsonValue root() const;

  /// Gives back memory of a large text.
  void shrink();

 private:
  friend class JsonValue;
  std::string_view text_;
  std::vector<detail::JsonEntry> entries_;
  bool valid_utf8_ = true;
};

/// True if `text` is UTF-8 (no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

/// `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD.
std::string sanitize_utf8(std::string_view text);

template <class Visit>
void JsonValue::for_each_element(Visit visit) const {
  if (!is_array()) {
    return;
  }
  for (const auto *at = entry_ + 1, *end = end_entry(); at != end;) {
    const auto* following = at + at->next;
    visit(JsonValue(*index_, *at));
    at = following;
  }
}

template <class Visit>
void JsonValue::for_each_member(Visit visit) const {
  if (!is_object()) {
    return;
  }
  for (const auto *at = entry_ + 1, *end = end_entry(); at != end;) {
    const auto* value = at + 1;
    const auto* following = value + value->next;
    visit(JsonValue(*index_, *at), JsonValue(*index_, *value));
    at = following;
  }
}

}  // namespace vivim::chat
