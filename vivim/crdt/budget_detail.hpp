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
  Result<void> content(const WireStruct& item) {
    return is_plain(item) ? Result<void>() : more_content(item);
  }

 private:
  /// Whose origins, and in which parent: as far as many structs share it.
  struct ShapeOf {
    ClientId origin{};
    ClientId right_origin{};
    Id parent;
    friend bool operator==(const ShapeOf&, const ShapeOf&) = default;
  };

  /// Text beside its own writer's: nothing comes on top of the struct.
  static bool is_plain(const WireStruct& item) {
    return item.kind == Kind::string && item.parent == ParentRef::from_neighbour &&
           (!item.has_origin || value_of(item.origin.client) == item.client) &&
           (!item.has_right_origin || value_of(item.right_origin.client) == item.client);
  }
  Result<void> more_content(const WireStruct& item);
  Result<void> charge(std::uint64_t bytes);
  bool other_shape(const WireStruct& item);

  std::uint64_t left_;
  ShapeOf shape_;
  std::string_view root_;  ///< the last one
};

}  // namespace vivim::crdt::detail
