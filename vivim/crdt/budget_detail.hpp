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
    if (is_own(item)) {
      if (item.kind == Kind::string) {
        return {};  // nothing comes on top of the struct
      }
      if (item.kind == Kind::deleted && shape_ == shape_of(item)) {
        return charge(k_deleted_cost);
      }
    }
    return more_content(item);
  }

 private:
  /// Whose origins, and in which parent: as far as many structs share it.
  struct ShapeOf {
    ClientId origin{};
    ClientId right_origin{};
    Id parent;
    friend bool operator==(const ShapeOf&, const ShapeOf&) = default;
  };

  static ShapeOf shape_of(const WireStruct& item) {
    return {
        .origin = item.has_origin ? item.origin.client : ClientId{},
        .right_origin = item.has_right_origin ? item.right_origin.client : ClientId{},
        .parent = item.parent == ParentRef::item ? item.parent_item : Id{},
    };
  }
  /// Beside its own writer's.
  static bool is_own(const WireStruct& item) {
    return item.parent == ParentRef::from_neighbour &&
           (!item.has_origin || value_of(item.origin.client) == item.client) &&
           (!item.has_right_origin || value_of(item.right_origin.client) == item.client);
  }
  Result<void> more_content(const WireStruct& item);
  Result<void> charge(std::uint64_t bytes) {
    if (bytes > left_) {
      return fail(CrdtError::too_costly, bytes);
    }
    left_ -= bytes;
    return {};
  }
  bool other_shape(const WireStruct& item);

  /// What a range of deletions costs: the standard containers take up to three times what they
  /// hold.
  static constexpr std::uint64_t k_deleted_cost = 2 * 3 * sizeof(ClockRange);

  std::uint64_t left_;
  ShapeOf shape_;
  std::string_view root_;  ///< the last one
};

}  // namespace vivim::crdt::detail
