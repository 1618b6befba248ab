#include <algorithm>

#include "vivim/crdt/sequence_detail.hpp"

namespace vivim::crdt::detail {

void Sequence::build(ItemRef start) {
  leaves_.assign(1, Leaf{});
  nodes_.assign(1, Node{});
  empty_leaves_ = 0;
  root_ = 0;
  nodes_[0].above_leaves = true;
  nodes_[0].count = 1;
  leaves_[0].parent = 0;
  leaves_[0].first = start;
  std::uint32_t leaf = 0;
  for (ItemRef ref = start; ref != k_none; ref = (*items_)[ref].right()) {
    if (leaves_[leaf].count == k_leaf_items / 2) {
      const auto fresh = static_cast<std::uint32_t>(leaves_.size());
      const std::uint32_t parent = leaves_[leaf].parent;
      const std::uint32_t slot = leaves_[leaf].slot;
      leaves_.push_back({.first = ref});
      insert_child(parent, slot + 1, fresh, 0);
      leaf = fresh;
    }
    items_->set_leaf(ref, leaf);
    ++leaves_[leaf].count;
    add(leaf, (*items_)[ref].visible());
  }
}

void Sequence::add(std::uint32_t leaf, std::int64_t delta) {
  if (delta == 0) {
    return;
  }
  const auto change = static_cast<std::uint32_t>(delta);  // wraps as subtraction should
  leaves_[leaf].visible += change;
  std::uint32_t slot = leaves_[leaf].slot;
  for (std::uint32_t node = leaves_[leaf].parent; node != k_none; node = nodes_[node].parent) {
    nodes_[node].visible[slot] += change;
    slot = nodes_[node].slot;
  }
}

std::uint32_t Sequence::sum(std::uint32_t node) const {
  std::uint32_t total = 0;
  for (std::uint32_t i = 0; i < nodes_[node].count; ++i) {
    total += nodes_[node].visible[i];
  }
  return total;
}

std::uint32_t Sequence::first_leaf() const {
  std::uint32_t node = root_;
  while (!nodes_[node].above_leaves) {
    node = nodes_[node].child[0];
  }
  return nodes_[node].child[0];
}

void Sequence::inserted(ItemRef ref) {
  const Item& item = (*items_)[ref];
  const std::uint32_t leaf = item.left() != k_none ? items_->leaf(item.left()) : first_leaf();
  items_->set_leaf(ref, leaf);
  if (item.left() == k_none || leaves_[leaf].count == 0) {
    leaves_[leaf].first = ref;
  }
  if (leaves_[leaf].count == 0 && empty_leaves_ > 0) {
    --empty_leaves_;
  }
  ++leaves_[leaf].count;
  add(leaf, item.visible());
  if (leaves_[leaf].count > k_leaf_items) {
    split_leaf(leaf);
  }
}

void Sequence::merged_into(ItemRef ref, ItemRef heir) {
  const Item& item = (*items_)[ref];
  const std::uint32_t at = items_->leaf(ref);
  Leaf& leaf = leaves_[at];
  if (heir != k_none && items_->leaf(heir) != at) {
    const std::int64_t visible = item.visible();
    add(at, -visible);
    add(items_->leaf(heir), visible);
  }
  if (leaf.first == ref) {
    leaf.first = item.right();
  }
  if (--leaf.count == 0) {
    leaf.first = k_none;
    ++empty_leaves_;
  }
  items_->set_leaf(ref, k_none);
}

void Sequence::split_leaf(std::uint32_t leaf) {
  const auto fresh = static_cast<std::uint32_t>(leaves_.size());
  const std::uint32_t keep = leaves_[leaf].count / 2;
  ItemRef ref = leaves_[leaf].first;
  for (std::uint32_t i = 0; i < keep; ++i) {
    ref = (*items_)[ref].right();
  }
  Leaf tail{.first = ref};
  for (std::uint32_t i = keep; i < leaves_[leaf].count; ++i) {
    const Item& item = (*items_)[ref];
    items_->set_leaf(ref, fresh);
    tail.visible += item.visible();
    ++tail.count;
    ref = item.right();
  }
  leaves_[leaf].count = keep;
  leaves_.push_back(tail);
  leaves_[leaf].visible -= tail.visible;
  const std::uint32_t parent = leaves_[leaf].parent;
  const std::uint32_t slot = leaves_[leaf].slot;
  nodes_[parent].visible[slot] -= tail.visible;
  insert_child(parent, slot + 1, fresh, tail.visible);
}

// Puts a child into `node`. The sums of the nodes above already contain it, or it adds nothing.
void Sequence::insert_child(std::uint32_t node, std::uint32_t slot, std::uint32_t child,
                            std::uint32_t visible) {
  if (nodes_[node].count == k_fanout) {
    const std::uint32_t sibling = split_node(node, visible);
    const std::uint32_t half = nodes_[node].count;
    if (slot > half) {  // the sums above count the child in the lower half's share
      add_above(node, -static_cast<std::int64_t>(visible));
      add_above(sibling, visible);
      node = sibling;
      slot -= half;
    }
  }
  Node& into = nodes_[node];
  for (std::uint32_t i = into.count; i > slot; --i) {
    into.child[i] = into.child[i - 1];
    into.visible[i] = into.visible[i - 1];
  }
  into.child[slot] = child;
  into.visible[slot] = visible;
  ++into.count;
  adopt(node);
}

// Tells the children of `node` where they are.
void Sequence::adopt(std::uint32_t node) {
  const Node& parent = nodes_[node];
  for (std::uint32_t i = 0; i < parent.count; ++i) {
    if (parent.above_leaves) {
      leaves_[parent.child[i]].parent = node;
      leaves_[parent.child[i]].slot = i;
    } else {
      nodes_[parent.child[i]].parent = node;
      nodes_[parent.child[i]].slot = i;
    }
  }
}

void Sequence::add_above(std::uint32_t node, std::int64_t delta) {
  while (nodes_[node].parent != k_none) {
    const std::uint32_t slot = nodes_[node].slot;
    node = nodes_[node].parent;
    nodes_[node].visible[slot] += static_cast<std::uint32_t>(delta);
  }
}

// Moves the upper half of a full node to a new sibling. `in_transit` visible units belong to `node`
// but are in none of its children yet.
std::uint32_t Sequence::split_node(std::uint32_t node, std::uint32_t in_transit) {
  if (nodes_[node].parent == k_none) {
    const auto top = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back({.count = 1});
    nodes_[top].child[0] = node;
    nodes_[top].visible[0] = sum(node) + in_transit;
    nodes_[node].parent = top;
    nodes_[node].slot = 0;
    root_ = top;
  }
  const auto sibling = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({.above_leaves = nodes_[node].above_leaves});
  Node& from = nodes_[node];
  Node& to = nodes_[sibling];
  const std::uint32_t half = k_fanout / 2;
  std::uint32_t moved = 0;
  for (std::uint32_t i = half; i < from.count; ++i) {
    to.child[to.count] = from.child[i];
    to.visible[to.count] = from.visible[i];
    moved += from.visible[i];
    ++to.count;
  }
  from.count = half;
  adopt(sibling);
  const std::uint32_t parent = from.parent;
  const std::uint32_t slot = from.slot;
  nodes_[parent].visible[slot] -= moved;
  insert_child(parent, slot + 1, sibling, moved);
  return sibling;
}

Sequence::Found Sequence::find_before(std::uint32_t index) const {
  std::uint32_t start = 0;
  std::uint32_t node = root_;
  while (true) {
    const Node& at = nodes_[node];
    std::uint32_t slot = 0;
    std::uint32_t best = k_none;
    std::uint32_t best_start = start;
    for (; slot < at.count; ++slot) {
      if (at.visible[slot] > 0) {
        best = slot;
        best_start = start;
        if (start + at.visible[slot] >= index) {
          break;
        }
      }
      start += at.visible[slot];
    }
    if (best == k_none) {
      return {};
    }
    start = best_start;
    if (at.above_leaves) {
      return {.item = leaves_[at.child[best]].first, .start = start};
    }
    node = at.child[best];
  }
}

bool Sequence::consistent(ItemRef start) const {
  std::vector<Leaf> seen(leaves_.size());
  ItemRef previous_leaf = k_none;
  for (ItemRef ref = start; ref != k_none; ref = (*items_)[ref].right()) {
    const Item& item = (*items_)[ref];
    const std::uint32_t at = items_->leaf(ref);
    if (at >= leaves_.size()) {
      return false;
    }
    Leaf& leaf = seen[at];
    if (leaf.count == 0 && leaves_[at].first != ref) {
      return false;
    }
    if (leaf.count > 0 && previous_leaf != at) {
      return false;
    }
    previous_leaf = at;
    ++leaf.count;
    leaf.visible += item.visible();
  }
  for (std::size_t i = 0; i < leaves_.size(); ++i) {
    const Leaf& leaf = leaves_[i];
    if (leaf.count != seen[i].count || leaf.visible != seen[i].visible ||
        nodes_[leaf.parent].visible[leaf.slot] != leaf.visible ||
        nodes_[leaf.parent].child[leaf.slot] != i) {
      return false;
    }
  }
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    const std::uint32_t parent = nodes_[i].parent;
    if (parent != k_none && nodes_[parent].visible[nodes_[i].slot] != sum(i)) {
      return false;
    }
  }
  return true;
}

}  // namespace vivim::crdt::detail
