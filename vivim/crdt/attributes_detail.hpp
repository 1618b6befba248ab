#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/crdt/any.hpp"

namespace vivim::crdt::detail {

/// The value of a format mark. JavaScript tells two objects that look the same apart, and Yjs'
/// bytes depend on it: `identity` is the mark whose value it is, packed; it counts for objects and
/// arrays only. 0: nobody else's.
struct FormatValue {
  std::string json = "null";
  std::uint64_t identity = 0;

  bool is_null() const { return json == "null"; }
  bool is_object() const { return json.starts_with('{') || json.starts_with('['); }
};

/// What is not UTF-8 becomes U+FFFD: others refuse updates with anything else.
std::string valid_utf8(std::string text);

/// JavaScript's ===.
bool identical(const FormatValue& a, const FormatValue& b);
/// Yjs' equalAttrs: identical, or objects whose members are identical.
bool equal_values(const FormatValue& a, const FormatValue& b);

/// Format marks in force: a JavaScript Map from names to values.
class Attributes {
 public:
  struct Entry {
    std::string key;
    FormatValue value;
  };
  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  const std::vector<Entry>& entries() const { return entries_; }
  const FormatValue* find(std::string_view key) const;
  /// null if there is none.
  const FormatValue& value(std::string_view key) const;
  /// A new key comes last, an old one stays where it is.
  void set(std::string_view key, FormatValue value);
  void erase(std::string_view key);
  /// Yjs' updateCurrentAttributes: null ends a mark.
  void update(std::string_view key, FormatValue value);

  /// The marks that a caller gives; JavaScript's order of an object's members.
  static Attributes from(const Any::Object& object);
  /// As a caller reads them, in JavaScript's order.
  Any::Object to_object() const;
  /// Puts the entries into JavaScript's order of an object's members: integers first.
  void order_as_object();

 private:
  std::vector<Entry> entries_;
};

/// The content of a format mark: varString key, varString JSON.
struct Format {
  std::string_view key;
  std::string_view json;
};
Format decode_format(BytesView content);

}  // namespace vivim::crdt::detail
