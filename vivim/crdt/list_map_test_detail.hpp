#pragma once

#include <string>
#include <string_view>

#include "vivim/crdt/array.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/peers_detail.hpp"

/// For tests of arrays and maps.
namespace vivim::crdt {

inline std::string json(const Array& array) {
  return array.to_any().to_json();
}
inline std::string json(const Map& map) {
  return map.to_any().to_json();
}
/// In a transaction of its own.
inline void set(Doc& doc, Map map, std::string_view key, const Any& value) {
  edit(doc, [&](auto& t) { map.set(t, key, value); });
}

}  // namespace vivim::crdt
