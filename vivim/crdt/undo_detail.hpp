#pragma once

#include <unordered_set>

#include "vivim/crdt/engine_detail.hpp"
#include "vivim/crdt/undo_manager.hpp"

namespace vivim::crdt::detail {

/// UndoManager's insides: undo_manager.cpp keeps the steps, undo_redo.cpp takes them back.
class UndoState {
 public:
  UndoState(Engine& engine, const std::vector<Value>& scope, UndoOptions options);

  enum class Which : std::uint8_t { undo, redo };
  bool pop(Which which);
  struct Stacks {
    bool undo = false;
    bool redo = false;
  };
  void clear(Stacks which);
  void add_to_scope(const Value& type);

  struct Step {
    std::vector<ClientRanges> insertions;
    std::vector<ClientRanges> deletions;
    Any::Object meta;
  };

  const Any::Object* step_under_way() const { return current_ ? &current_->meta : nullptr; }

  UndoOptions options;
  std::optional<std::uint64_t> last_change_ms;
  std::uint64_t now_ms = 0;
  std::vector<Step> undo_steps;
  std::vector<Step> redo_steps;
  Observers<const UndoEvent&> observers;

 private:
  bool captures(const TransactionState& state) const;
  bool in_scope(ItemRef item) const;
  void capture(TransactionState& state);
  void keep(ItemRef item, bool wanted);
  void release(TransactionState& state, const Step& step);
  std::vector<Value> changed_in(const TransactionState& state);

  // undo_redo.cpp
  bool take_back(TransactionState& state, const Step& step);
  std::vector<ItemRef> to_delete(TransactionState& state, const Step& step);
  std::vector<ItemRef> to_redo(TransactionState& state, const Step& step);
  bool erase(const std::vector<ItemRef>& items);
  ItemRef latest(ItemRef item);
  ItemRef successor(ItemRef item);
  bool redo_parents(ItemRef item, const Step& step);
  ItemRef redo(ItemRef item, const Step& step);
  ItemRef in_parent(ItemRef item, ItemRef parent_item);
  ItemRef parent_item(ItemRef item) const;
  bool find_key_place(ItemRef item, TypeRef parent, const Step& step, ItemRef& left);
  bool will_go(const Step& step, ItemRef item) const;
  ItemRef copy(ItemRef item);

  Engine& engine_;
  bool whole_;  ///< the scope is the document, whatever is added
  std::vector<TypeRef> scope_;
  std::unordered_set<ItemRef> redoing_items_;
  bool undoing_ = false;
  bool redoing_ = false;
  std::optional<Step> current_;
  Subscription following_;
};

/// Whether `ranges` has `id`.
bool contains(const std::vector<ClientRanges>& ranges, DenseId id);

}  // namespace vivim::crdt::detail
