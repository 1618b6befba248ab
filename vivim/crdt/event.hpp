#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "vivim/crdt/any.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::crdt {

// Steps from the old content to the new, in order. Lengths are UTF-16 units of text, or elements.

/// Goes on; attributes, if any, are what changed on the way (null: ended).
struct Retain {
  std::uint32_t length = 0;
  TextAttributes attributes;
  friend bool operator==(const Retain&, const Retain&) = default;
};
struct InsertText {
  std::string utf8;
  TextAttributes attributes;
  friend bool operator==(const InsertText&, const InsertText&) = default;
};
/// Something of length 1 that is not text.
struct InsertEmbed {
  Value value;
  TextAttributes attributes;
  friend bool operator==(const InsertEmbed&, const InsertEmbed&) = default;
};
struct Remove {
  std::uint32_t length = 0;
  friend bool operator==(const Remove&, const Remove&) = default;
};
struct InsertElements {
  std::vector<Value> values;
  friend bool operator==(const InsertElements&, const InsertElements&) = default;
};

enum class MapAction : std::uint8_t { add, update, remove };

/// What happened to a key. Read the new value from the map.
struct MapChange {
  std::string key;
  MapAction action = MapAction::add;
  Value old_value;  ///< undefined if it was added
  friend bool operator==(const MapChange&, const MapChange&) = default;
};

/// What a transaction did to a text. `delta` has no trailing retain without attributes.
struct TextEvent {
  Text target;
  TextDelta delta;
  std::vector<MapChange> keys;  ///< attributes of the text as a whole
  Origin origin;
};

/// What a transaction did to an array. `delta` has no trailing retain.
struct ArrayEvent {
  Array target;
  ArrayDelta delta;
  Origin origin;
};

/// What a transaction did to a map.
struct MapEvent {
  Map target;
  std::vector<MapChange> changes;
  Origin origin;
};

/// What a transaction did to an XML fragment or element.
struct XmlEvent {
  Value target;
  ArrayDelta delta;                   ///< of the children
  std::vector<MapChange> attributes;  ///< of an element
  Origin origin;
};

/// Keys of maps and indexes of lists, from one type to one within it.
using Path = std::vector<std::variant<std::string, std::uint32_t>>;

/// What a transaction did to a type at or within an observed one.
struct Event {
  Value target;
  Path path;         ///< from the observed type
  TextDelta text;    ///< if the target is a text
  ArrayDelta delta;  ///< if the target is another list
  std::vector<MapChange> keys;
  Origin origin;
};

}  // namespace vivim::crdt
