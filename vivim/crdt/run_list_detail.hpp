#pragma once

#include <cstdint>
#include <vector>

#include "vivim/crdt/item_detail.hpp"

namespace vivim::crdt::detail {

/// One client's items in order of clock, without gaps. Chunks keep an insertion in the middle
/// cheap; where a run begins, its item says.
class RunList {
 public:
  struct Position {
    std::uint32_t chunk = 0;
    std::uint32_t slot = 0;
    friend bool operator==(const Position&, const Position&) = default;
  };

  bool empty() const { return chunks_.empty(); }
  std::size_t size() const { return size_; }
  /// The run that covers `clock`, which must be below the client's state and not below the first
  /// run.
  Position find(const Items& items, std::uint32_t clock) const;
  ItemRef at(Position position) const { return chunks_[position.chunk][position.slot]; }
  Position last() const {
    return {static_cast<std::uint32_t>(chunks_.size() - 1),
            static_cast<std::uint32_t>(chunks_.back().size() - 1)};
  }
  bool is_first(Position position) const { return position.chunk == 0 && position.slot == 0; }
  bool is_last(Position position) const { return position == last(); }
  Position next(Position position) const;
  Position previous(Position position) const;
  /// How many runs lie at or behind `position`.
  std::size_t count_from(Position position) const;

  /// Calls `visit` with every item from `position` on, in order.
  template <class Visit>
  void each_from(Position position, Visit&& visit) const {
    std::size_t slot = position.slot;
    for (std::size_t chunk = position.chunk; chunk < chunks_.size(); ++chunk, slot = 0) {
      const auto& runs = chunks_[chunk];
      for (; slot < runs.size(); ++slot) {
        visit(runs[slot]);
      }
    }
  }

  /// Adds `item`, which begins at `clock`.
  void push_back(ItemRef item, std::uint32_t clock);
  /// Puts `item` right behind `position` and returns where it is; other positions become invalid.
  Position insert_after(const Items& items, Position position, ItemRef item);
  /// Removes `count` runs behind `position`, which stays valid.
  void erase_after(const Items& items, Position position, std::size_t count);

 private:
  static constexpr std::size_t k_chunk = 128;

  std::vector<std::vector<ItemRef>> chunks_;
  std::vector<std::uint32_t> firsts_;  ///< each chunk's first clock
  std::size_t size_ = 0;
  mutable Position recent_;  ///< what was found last: the next is often there or beside it
};

}  // namespace vivim::crdt::detail
