#pragma once

#include <variant>

#include "vivim/crdt/any.hpp"
#include "vivim/crdt/array.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/subdocument.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/xml.hpp"

namespace vivim::crdt {

/// What a Map or a list holds: a plain value, a nested type, or a document.
struct Value
    : std::variant<Any, Text, Map, Array, XmlFragment, XmlElement, XmlText, XmlHook, Subdocument> {
  using Base =
      std::variant<Any, Text, Map, Array, XmlFragment, XmlElement, XmlText, XmlHook, Subdocument>;
  using Base::variant;

  /// The value if it is that, else null.
  const Any* if_any() const { return std::get_if<Any>(this); }
  const Text* if_text() const { return std::get_if<Text>(this); }
  const Map* if_map() const { return std::get_if<Map>(this); }
  const Array* if_array() const { return std::get_if<Array>(this); }
  const XmlFragment* if_xml_fragment() const { return std::get_if<XmlFragment>(this); }
  const XmlElement* if_xml_element() const { return std::get_if<XmlElement>(this); }
  const XmlText* if_xml_text() const { return std::get_if<XmlText>(this); }
  const XmlHook* if_xml_hook() const { return std::get_if<XmlHook>(this); }
  const Subdocument* if_subdocument() const { return std::get_if<Subdocument>(this); }

  /// Nested types as plain values, all the way down; XML as text, documents as their guid.
  Any to_any() const;

  friend bool operator==(const Value& a, const Value& b) {
    return static_cast<const Base&>(a) == static_cast<const Base&>(b);
  }
};

}  // namespace vivim::crdt
