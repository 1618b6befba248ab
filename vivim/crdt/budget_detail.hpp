#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vivim/base/result.hpp"
#include "vivim/crdt/limits.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt::detail {

/// What an update may cost in memory: decoded, and integrated. Each struct is charged with an upper
/// bound of what it will take, before it is made.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t update_bytes)
      : left_(k_update_memory_min + update_bytes * k_update_memory_per_byte) {}

  /// `structs` structs of one client; `again`: of one that came before in the update. Errors:
  /// too_costly.
  Result<void> group(std::uint64_t structs, bool again);
  /// What is in `item`, which has been read. Errors: too_costly.
  Result<void> content(const WireStruct& item);

 private:
  Result<void> charge(std::uint64_t bytes);

  std::uint64_t left_;
  std::string_view root_;  ///< the last one
};

}  // namespace vivim::crdt::detail
