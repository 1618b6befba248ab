#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "vivim/crdt/item_detail.hpp"

namespace vivim::crdt::detail {

/// One client's items in order of clock; what has not come is a Kind::skip. Chunks keep an
/// insertion in the middle cheap; where a run begins, its item says.
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
  /// The same as an item.
  ItemRef item_at(const Items& items, std::uint32_t clock) const {
    const std::uint32_t offset = clock - expected_from_;
    if (offset < expected_span_) {
      // A run that was cut is not the one, or there is none if it begins before all of these.
      const ItemRef expected = expected_[expected_at(offset)];
      if (expected != k_none && items[expected].covers(clock)) {
        return expected;
      }
    }
    return at(find(items, clock));
  }
  ItemRef at(Position position) const { return chunks_[position.chunk][position.slot]; }
  Position last() const {
    return {static_cast<std::uint32_t>(chunks_.size() - 1),
            static_cast<std::uint32_t>(chunks_.back().size() - 1)};
  }
  bool is_first(Position position) const { return position.chunk == 0 && position.slot == 0; }
  bool is_last(Position position) const { return position == last(); }
  Position next(Position position) const {
    if (position.slot + 1 < chunks_[position.chunk].size()) {
      return {position.chunk, position.slot + 1};
    }
    return {position.chunk + 1, 0};
  }
  Position previous(Position position) const {
    if (position.slot > 0) {
      return {position.chunk, position.slot - 1};
    }
    return {position.chunk - 1, static_cast<std::uint32_t>(chunks_[position.chunk - 1].size() - 1)};
  }
  /// From `position` back to the first run that `stop` takes, which is given the one before it too;
  /// or to the very first.
  template <class Stop>
  Position walk_back(Position position, Stop&& stop) const {
    while (!is_first(position)) {
      const std::vector<ItemRef>& runs = chunks_[position.chunk];
      for (; position.slot > 0; --position.slot) {
        if (stop(runs[position.slot - 1], runs[position.slot])) {
          return position;
        }
      }
      if (position.chunk == 0 || stop(at(previous(position)), at(position))) {
        return position;
      }
      position = previous(position);
    }
    return position;
  }
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

  /// What expect() takes at most for each run.
  static constexpr std::size_t k_expected_bytes_max = 12;
  /// About `count` runs of `clocks` clocks are going to be added. Until forget() it is noted where
  /// each begins, so that item_at() need not search; no run may go meanwhile.
  void expect(std::uint32_t clocks, std::size_t count);
  void forget();
  bool expecting() const { return expected_max_ > 0; }

  /// Adds `item`, which has the clocks from `clock` to before `end`.
  [[gnu::always_inline]] void push_back(ItemRef item, std::uint32_t clock, std::uint32_t end) {
    if (expecting()) {
      note_begin(item, clock, end);
    }
    if (size_ == 0 || chunks_.back().size() == k_chunk) {
      add_chunk(clock);
    }
    chunks_.back().push_back(item);
    ++size_;
  }
  /// Puts `item` right behind `position` and returns where it is; other positions become invalid.
  Position insert_after(const Items& items, Position position, ItemRef item);
  /// Puts `item`, which begins at the same clock, in the place of the one at `position`.
  void replace(Position position, ItemRef item) { chunks_[position.chunk][position.slot] = item; }
  /// Removes `count` runs behind `position`, which stays valid.
  void erase_after(const Items& items, Position position, std::size_t count);

 private:
  static constexpr std::size_t k_chunk = 128;

  // Which of the expected runs covers the clock at `offset`.
  std::uint32_t expected_at(std::uint32_t offset) const {
    const Begins& begins = begins_[offset / k_begins];
    const std::uint64_t not_behind = begins.bits << (k_begins - 1 - offset % k_begins);
    return begins.before + static_cast<std::uint32_t>(std::popcount(not_behind));
  }
  void add_chunk(std::uint32_t first);
  [[gnu::always_inline]] void note_begin(ItemRef item, std::uint32_t clock, std::uint32_t end) {
    if (expected_count_ == 1) {
      expected_from_ = clock;
    }
    const std::uint32_t offset = clock - expected_from_;
    const std::uint32_t span = end - expected_from_;
    if (span > expected_max_ || expected_count_ == expected_.size()) {
      return;
    }
    begins_[offset / k_begins].bits |= std::uint64_t{1} << offset % k_begins;
    const std::uint32_t before = expected_count_;
    expected_[expected_count_++] = item;
    expected_span_ = span;
    for (std::uint32_t next = offset / k_begins + 1; next * k_begins < span; ++next) {
      begins_[next].before = before;
    }
  }

  std::vector<std::vector<ItemRef>> chunks_;
  std::vector<std::uint32_t> firsts_;  ///< each chunk's first clock
  std::size_t size_ = 0;
  mutable Position recent_;  ///< what was found last: the next is often there or beside it

  // What expect() asks for: of 64 clocks each, at which of them runs begin, and how many runs
  // begin before them; and the runs in their order, behind k_none.
  static constexpr std::uint32_t k_begins = 64;
  struct Begins {
    std::uint64_t bits = 0;
    std::uint32_t before = 0;
  };
  static constexpr std::uint32_t k_clocks_max = 32;  // of a run; what is longer is not noted
  static_assert(k_clocks_max * sizeof(Begins) / k_begins + sizeof(ItemRef) <= k_expected_bytes_max);
  std::vector<Begins> begins_;
  std::vector<ItemRef> expected_;
  std::uint32_t expected_count_ = 0;
  std::uint32_t expected_from_ = 0;
  std::uint32_t expected_span_ = 0;  ///< clocks that are noted
  std::uint32_t expected_max_ = 0;   ///< and how many may be
};

}  // namespace vivim::crdt::detail
