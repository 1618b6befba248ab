#pragma once

#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt::detail {

/// The part of `item` at the clocks `range`, which are its own, as a struct that stands alone: what
/// was before it is its origin. Halves of a surrogate pair become U+FFFD; what must be written anew
/// goes to `owned`.
WireStruct part_of(const WireStruct& item, ClockRange range, OwnedContent& owned);

}  // namespace vivim::crdt::detail
