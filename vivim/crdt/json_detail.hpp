#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vivim/crdt/any.hpp"

namespace vivim::crdt::detail {

/// JSON text as a value, for content of kind json and embed (written by old Yjs versions and
/// editors). What is not JSON, or nested deeper than lib0::k_any_depth_max, reads as undefined; so
/// does the word `undefined`, as Yjs writes it.
Any parse_json(std::string_view json);

/// The text that JavaScript makes of the value of this one; nothing if that is the same, or if it
/// is no JSON.
std::optional<std::string> canonical_json(std::string_view json);

/// The array index that a JavaScript engine sorts this key by, if it is one (canonical decimal
/// below 2^32 - 1).
std::optional<std::uint32_t> array_index(std::string_view key);

/// The members in the order in which JavaScript would enumerate them: integer-like keys first; of
/// equal keys the last value at the first place.
std::vector<std::pair<std::string_view, const Any*>> enumerated(const Any::Object& object);

}  // namespace vivim::crdt::detail
