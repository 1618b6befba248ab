#pragma once

#include <cstdint>
#include <string>

namespace vivim::crdt {

/// The shared types, numbered as on the wire.
enum class SharedType : std::uint8_t {
  array = 0,
  map = 1,
  text = 2,
  xml_element = 3,
  xml_fragment = 4,
  xml_hook = 5,
  xml_text = 6,
};

/// A nested type to be made.
struct NewType {
  SharedType type = SharedType::map;
  std::string name;  ///< of an XML element or hook
};

}  // namespace vivim::crdt
