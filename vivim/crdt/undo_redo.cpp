#include <algorithm>

#include "vivim/crdt/undo_detail.hpp"

// How a step is taken back (Yjs popStackItem, redoItem).
namespace vivim::crdt::detail {

// What an item was made anew as.
ItemRef UndoState::successor(ItemRef item) {
  return engine_.clean_start(engine_.redone_.at(packed(engine_.items_.id(engine_.items_[item]))));
}

// The last in the chain of items that were made anew.
ItemRef UndoState::latest(ItemRef item) {
  while (engine_.items_[item].redone()) {
    item = successor(item);
  }
  return item;
}

ItemRef UndoState::parent_item(ItemRef item) const {
  const TypeRef parent = engine_.items_.parent(engine_.items_[item]);
  return parent == k_none ? k_none : engine_.types_[parent].item;
}

bool UndoState::take_back(TransactionState& state, const Step& step) {
  const std::vector<ItemRef> inserted = to_delete(state, step);
  const std::vector<ItemRef> deleted = to_redo(state, step);
  redoing_items_ = {deleted.begin(), deleted.end()};
  bool performed = false;
  for (const ItemRef item : deleted) {
    performed = (redo_parents(item, step) && redo(item, step) != k_none) || performed;
  }
  return erase(inserted) || performed;
}

std::vector<ItemRef> UndoState::to_delete(TransactionState& state, const Step& step) {
  std::vector<ItemRef> items;
  engine_.each_deleted(state, step.insertions, [&](ItemRef item) {
    if (engine_.items_[item].kind() == Kind::gc) {
      return;
    }
    if (engine_.items_[item].redone()) {
      const auto [last, offset] = engine_.follow_redone(engine_.items_.id(engine_.items_[item]));
      const DenseId id = engine_.items_.id(engine_.items_[last]);
      item = offset > 0 ? engine_.clean_start({id.client, id.clock + offset}) : last;
    }
    if (!engine_.items_[item].deleted() && in_scope(item)) {
      items.push_back(item);
    }
  });
  return items;
}

std::vector<ItemRef> UndoState::to_redo(TransactionState& state, const Step& step) {
  std::vector<ItemRef> items;
  engine_.each_deleted(state, step.deletions, [&](ItemRef ref) {
    // What came and went within the step stays gone.
    const Item& item = engine_.items_[ref];
    if (item.kind() != Kind::gc && in_scope(ref) &&
        !contains(step.insertions, engine_.items_.id(item))) {
      items.push_back(ref);
    }
  });
  return items;
}

// From the last to the first: children before their parents.
bool UndoState::erase(const std::vector<ItemRef>& items) {
  bool performed = false;
  for (auto ref = items.rbegin(); ref != items.rend(); ++ref) {
    const Item& item = engine_.items_[*ref];
    if (options.delete_filter) {
      UndoItem asked{.id = engine_.wire_id(engine_.items_.id(item)),
                     .length = item.len,
                     .parent = engine_.value_of_type(engine_.items_.parent(item)),
                     .key = {},
                     .content = engine_.value_at(item, 0)};
      if (engine_.items_.key(item) != k_none) {
        asked.key = engine_.keys_.name(engine_.items_.key(item));
      }
      if (!options.delete_filter(asked)) {
        continue;
      }
    }
    engine_.erase(*ref);
    performed = true;
  }
  return performed;
}

// Makes the deleted types around `item` anew, from the outermost: without recursion, for they may
// be many. False: one of them stays deleted.
bool UndoState::redo_parents(ItemRef item, const Step& step) {
  std::vector<ItemRef> missing;
  for (ItemRef above = item; !engine_.items_[above].redone();) {
    above = parent_item(above);
    if (above == k_none || !engine_.items_[above].deleted() || engine_.items_[above].redone()) {
      break;
    }
    if (!redoing_items_.contains(above)) {
      return false;
    }
    missing.push_back(above);
  }
  return std::ranges::all_of(missing.rbegin(), missing.rend(),
                             [&](ItemRef parent) { return redo(parent, step) != k_none; });
}

// The first of `item` and its successors that lies in `parent_item`.
ItemRef UndoState::in_parent(ItemRef item, ItemRef wanted) {
  while (item != k_none && parent_item(item) != wanted) {
    item = engine_.items_[item].redone() ? successor(item) : k_none;
  }
  return item;
}

bool UndoState::will_go(const Step& step, ItemRef item) const {
  const DenseId id = engine_.items_.id(engine_.items_[item]);
  const auto deletes = [&](const Step& other) { return contains(other.deletions, id); };
  return engine_.items_[item].redone() || contains(step.insertions, id) ||
         std::ranges::any_of(undo_steps, deletes) || std::ranges::any_of(redo_steps, deletes);
}

// Where in its key's list the item comes back. False: somebody else has set the key meanwhile.
bool UndoState::find_key_place(ItemRef item, TypeRef parent, const Step& step, ItemRef& left) {
  const KeyRef key = engine_.items_.key(engine_.items_[item]);
  const ItemRef last = engine_.types_[parent].map.find(key);
  if (engine_.items_[item].right() == k_none || options.ignore_remote_map_changes) {
    left = last;
  } else {
    left = item;
    while (engine_.items_[left].right() != k_none && will_go(step, engine_.items_[left].right())) {
      left = latest(engine_.items_[left].right());
    }
    if (engine_.items_[left].right() != k_none) {
      return false;
    }
  }
  if (left != k_none && parent_item(left) != engine_.types_[parent].item) {
    left = last;  // its origin must not lie in another type
  }
  return true;
}

// Yjs redoItem, with the parents made already.
ItemRef UndoState::redo(ItemRef ref, const Step& step) {
  if (engine_.items_[ref].redone()) {
    return successor(ref);
  }
  ItemRef above = parent_item(ref);
  if (above != k_none && engine_.items_[above].deleted()) {
    above = latest(above);
  }
  TypeRef parent = engine_.items_.parent(engine_.items_[ref]);
  if (above != k_none) {
    if (engine_.items_[above].kind() != Kind::type) {
      return k_none;
    }
    parent = engine_.items_[above].content;
  }
  ItemRef left = k_none;
  ItemRef right = k_none;
  if (engine_.items_.key(engine_.items_[ref]) == k_none) {
    for (left = engine_.items_[ref].left(); left != k_none; left = engine_.items_[left].left()) {
      if (const ItemRef found = in_parent(left, above); found != k_none) {
        left = found;
        break;
      }
    }
    for (right = ref; right != k_none; right = engine_.items_[right].right()) {
      if (const ItemRef found = in_parent(right, above); found != k_none) {
        right = found;
        break;
      }
    }
  } else if (!find_key_place(ref, parent, step, left)) {
    return k_none;
  }
  const ItemRef fresh = copy(ref);
  engine_.items_[ref].set_redone(true);
  engine_.redone_[packed(engine_.items_.id(engine_.items_[ref]))] =
      engine_.items_.id(engine_.items_[fresh]);
  engine_.insert_local(parent, left, right, fresh, engine_.items_.key(engine_.items_[ref]));
  keep(fresh, true);
  return fresh;
}

// A new item with the same content; a type comes back empty.
ItemRef UndoState::copy(ItemRef ref) {
  const Item& item = engine_.items_[ref];
  const ItemRef fresh = engine_.make_local(item.kind(), item.len);
  Item& made = engine_.items_[fresh];
  if (item.kind() == Kind::type) {
    const TypeRef old = item.content;
    const TypeRef type = engine_.make_type(engine_.types_[old].kind);
    engine_.types_[type].name = engine_.types_[old].name;
    made.content = type;
    return fresh;
  }
  engine_.items_.copy_content(item, made);
  if (item.kind() == Kind::format) {
    const Format format = decode_format(engine_.items_.bytes(item));
    if (const FormatValue value = engine_.format_value(ref, format.json); value.identity != 0) {
      engine_.shared_values_[packed(engine_.items_.id(made))] = value.identity;
    }
  }
  return fresh;
}

}  // namespace vivim::crdt::detail
