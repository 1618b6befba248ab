#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "vivim/crdt/item_detail.hpp"

namespace vivim::crdt::detail {

/// An order-statistics index over the linked list of one type: a B+tree whose leaves are stretches
/// of the list and whose inner nodes sum the visible units below. Finding a position, and telling
/// it of any change, cost O(log n).
class Sequence {
 public:
  explicit Sequence(Items& items) : items_(&items) {}

  /// Indexes the list that begins at `start`. Every item of it gets its leaf.
  void build(ItemRef start);

  /// `item` was linked into the list (items right of it have not changed).
  void inserted(ItemRef item);
  /// `item` was unlinked; its visible units went to `heir`, the item left of it, unless that is
  /// k_none.
  void merged_into(ItemRef item, ItemRef heir);
  /// Visible units of `item` changed by `delta`.
  void changed(ItemRef item, std::int64_t delta) { add(items_->leaf(item), delta); }

  /// Checks the tree against the list; for tests.
  bool consistent(ItemRef start) const;

  /// Most of the tree is empty leaves: build it anew.
  bool worn_out() const { return leaves_.size() > 64 && empty_leaves_ * 2 > leaves_.size(); }

  struct Found {
    ItemRef item = k_none;    ///< the leaf's first item
    std::uint32_t start = 0;  ///< visible units before it
  };
  /// The leaf with the visible unit `index - 1` (index > 0), or the last leaf with anything
  /// visible.
  Found find_before(std::uint32_t index) const;

 private:
  static constexpr std::uint32_t k_leaf_items = 12;
  static constexpr std::uint32_t k_fanout = 16;

  struct Leaf {
    std::uint32_t parent = k_none;
    std::uint32_t slot = 0;
    std::uint32_t count = 0;
    ItemRef first = k_none;
    std::uint32_t visible = 0;
  };
  struct Node {
    std::uint32_t parent = k_none;
    std::uint32_t slot = 0;
    std::uint32_t count = 0;
    bool above_leaves = false;
    std::array<std::uint32_t, k_fanout> child{};
    std::array<std::uint32_t, k_fanout> visible{};
  };

  void add(std::uint32_t leaf, std::int64_t delta);
  void split_leaf(std::uint32_t leaf);
  void insert_child(std::uint32_t node, std::uint32_t slot, std::uint32_t child,
                    std::uint32_t visible);
  std::uint32_t split_node(std::uint32_t node, std::uint32_t in_transit);
  void add_above(std::uint32_t node, std::int64_t delta);
  void adopt(std::uint32_t node);
  std::uint32_t sum(std::uint32_t node) const;
  std::uint32_t first_leaf() const;

  Items* items_;
  std::vector<Leaf> leaves_;
  std::vector<Node> nodes_;
  std::uint32_t root_ = k_none;
  std::size_t empty_leaves_ = 0;
};

}  // namespace vivim::crdt::detail
