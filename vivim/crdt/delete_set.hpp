#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "vivim/crdt/id.hpp"

namespace vivim::crdt {

/// A half-open range of clocks.
struct ClockRange {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  friend bool operator==(const ClockRange&, const ClockRange&) = default;
};

/// What is deleted: ranges by client, highest client first as on the wire, each list sorted and
/// merged.
using DeleteSet = std::map<ClientId, std::vector<ClockRange>, std::greater<>>;

/// Whether `id` is in one of the ranges.
bool contains(const DeleteSet& deletes, Id id);

}  // namespace vivim::crdt
