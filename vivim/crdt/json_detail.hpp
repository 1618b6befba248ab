#pragma once

#include <string_view>

#include "vivim/crdt/any.hpp"

namespace vivim::crdt::detail {

/// JSON text as a value, for content of kind json and embed (written by old Yjs versions and
/// editors). What is not JSON, or nested deeper than lib0::k_any_depth_max, reads as undefined; so
/// does the word `undefined`, as Yjs writes it.
Any parse_json(std::string_view json);

}  // namespace vivim::crdt::detail
