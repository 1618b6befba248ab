#pragma once

#include <variant>

#include "vivim/crdt/any.hpp"
#include "vivim/crdt/array.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/text.hpp"

namespace vivim::crdt {

/// What a Map or an Array holds: a plain value or a nested type. Types that we do not edit (XML,
/// sub-documents, embeds of other engines) are kept in the document and read as Any undefined.
struct Value : std::variant<Any, Text, Map, Array> {
  using std::variant<Any, Text, Map, Array>::variant;

  /// The plain value, or null if this is a nested type.
  const Any* if_any() const { return std::get_if<Any>(this); }
  const Text* if_text() const { return std::get_if<Text>(this); }
  const Map* if_map() const { return std::get_if<Map>(this); }
  const Array* if_array() const { return std::get_if<Array>(this); }

  /// Nested types as plain values, all the way down.
  Any to_any() const;
};

}  // namespace vivim::crdt
