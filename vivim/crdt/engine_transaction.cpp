#include <algorithm>

#include "vivim/crdt/engine_detail.hpp"

namespace vivim::crdt::detail {

void Engine::transact(const std::function<void(Transaction&)>& body, Origin origin) {
  if (current_ != nullptr) {
    Transaction joined(*this, current_->origin);
    body(joined);
    return;
  }
  // When the caller's own code throws, what it did until then stays, as in Yjs. A destructor and no
  // handler, for the engine is built without exceptions too.
  struct Unwinding {
    Engine* engine;
    TransactionState& state;
    ~Unwinding() {
      if (engine != nullptr) {
        engine->end(state);
      }
    }
  };
  Unwinding unwinding{this, begin(origin, true)};
  Transaction transaction(*this, origin);
  body(transaction);
  unwinding.engine = nullptr;
  end(unwinding.state);
}

TransactionState& Engine::begin(Origin origin, bool local) {
  auto state = spare_ ? std::move(spare_) : std::make_unique<TransactionState>();
  state->origin = origin;
  state->local = local;
  state->serial = ++transactions_;
  queue_.push_back(std::move(state));
  ++changes_;
  for (EncodedState& kept : encoded_) {
    if (!kept.bytes.empty()) {
      kept.bytes = Bytes();
    }
  }
  current_ = queue_.back().get();
  return *current_;
}

// Clean-ups run one after another; observers may have begun more transactions meanwhile.
void Engine::end(TransactionState&) {
  constexpr std::size_t k_spare_ranges_max = 64;
  current_ = nullptr;
  if (cleaning_) {
    return;
  }
  cleaning_ = true;
  while (!queue_.empty()) {
    clean_up(*queue_.front());
    spare_ = std::move(queue_.front());
    queue_.pop_front();
    TransactionState& state = *spare_;
    state.touched.clear();
    state.touched_slots.clear();
    if (!state.deleted.empty() && state.deleted.front().second.capacity() <= k_spare_ranges_max) {
      spare_ranges_ = std::move(state.deleted.front().second);
      spare_ranges_.clear();
    }
    state.deleted.clear();
    state.deleted_slots.clear();
    state.to_merge.clear();
    state.erased = false;
    if (!state.changed.empty()) {
      state.changed.clear();
      state.told.clear();
      state.parents.clear();
      state.parent_slots.clear();
    }
    if (state.any_subdocuments()) {
      state.subdocuments_added.clear();
      state.subdocuments_removed.clear();
      state.subdocuments_loaded.clear();
      state.subdocuments_gone.clear();
    }
    state.undo_manager = nullptr;
    state.gaps.reset();
  }
  cleaning_ = false;
}

namespace {

// A loaded document keeps its deletions for long: no more room than they need.
void trim_deleted(std::vector<ClockRange>& all, std::size_t fresh) {
  if (fresh > 64 && fresh * 2 > all.size()) {
    all.shrink_to_fit();
  }
}

}  // namespace

// Yjs Transaction.js, cleanupTransactions: this order makes equal bytes.
void Engine::clean_up(TransactionState& state) {
  for (auto& [client, ranges] : state.deleted) {
    normalise(ranges);
    trim_deleted(clients_[client].deleted, ranges.size());
  }
  for (TransactionState::Touched& touched : state.touched) {
    touched.after = clients_[touched.client].state;
  }
  state.settled = state.touched.size();
  if (state.settled > 1) {  // in the order of Yjs' StructStore, which undo and clean-ups follow
    const auto client_of = [](const TransactionState::Touched& touched) { return touched.client; };
    std::ranges::sort(state.touched, {}, [&](const TransactionState::Touched& touched) {
      return clients_[touched.client].arrival;
    });
    state.touched_slots.reordered(state.touched, client_of);
  }
  if (!state.changed.empty() || !after_transaction_.empty()) {
    call_observers(state);
  }
  // What came deleted has no content to forget, and merges as all that is new does.
  if (state.erased) {
    if (options_.collect_garbage) {
      collect_garbage(state);
    }
    merge_deleted(state);
  }
  merge_new(state);
  merge_split(state);
  emit(state);
  if (state.any_subdocuments()) {
    tell_subdocuments(state);
  }
}

// Cuts the run at `id`, on behalf of `state`, which may be in its clean-up.
void Engine::cut(TransactionState& state, DenseId id) {
  TransactionState* const running = std::exchange(current_, &state);
  clean_start(id);
  current_ = running;
}

void Engine::collect_garbage(TransactionState& state) {
  std::vector<std::pair<ItemRef, bool>> todo;
  for (const auto& [client, ranges] : state.deleted) {
    const RunList& runs = clients_[client].runs;
    for (auto range = ranges.rbegin(); range != ranges.rend(); ++range) {
      auto position = runs.find(items_, static_cast<std::uint32_t>(range->from));
      while (true) {
        const ItemRef ref = runs.at(position);
        const Item& item = items_[ref];
        if (item.clock >= range->to) {
          break;
        }
        if (item.kind() != Kind::gc && item.deleted() && !item.keep()) {
          todo.emplace_back(ref, false);
          while (!todo.empty()) {
            const auto [next, parent_collected] = todo.back();
            todo.pop_back();
            collect(next, parent_collected, todo);
            if (parent_collected && over_gaps()) {  // as Yjs 14, of which this is to be the store
              state.to_merge.push_back(items_.id(items_[next]));
            }
          }
        }
        if (runs.is_last(position)) {
          break;
        }
        position = runs.next(position);
      }
    }
  }
}

// Forgets the content of a deleted item; inside a collected type the item becomes a bare GC struct.
void Engine::collect(ItemRef ref, bool parent_collected,
                     std::vector<std::pair<ItemRef, bool>>& todo) {
  Item& item = items_[ref];
  if (item.kind() == Kind::type) {
    Type& type = types_[item.content];
    for (ItemRef child = type.start; child != k_none; child = items_[child].right()) {
      todo.emplace_back(child, true);
    }
    for (const KeyMap::Entry& entry : type.map.entries()) {
      for (ItemRef child = entry.item; child != k_none; child = items_[child].left()) {
        todo.emplace_back(child, true);
      }
    }
    type.dead = true;
    type.item = type.start = type.tail = type.cursor = k_none;
    type.length = 0;
    type.map.clear();
    type.sequence.reset();
    type.name = {};
  }
  items_.clear(item);
  if (!shared_values_.empty()) {
    shared_values_.erase(packed(items_.id(item)));
  }
  if (!parent_collected) {
    item.set_kind(Kind::deleted);
    return;
  }
  break_zone(ref);
  if (!item.deleted()) {  // an older value of a key that was cut: no deletion reached it
    item.set_deleted(true);
    add_range(clients_[items_.client(item)].deleted, item.clock, item.len);
  }
  item.set_kind(Kind::gc);
  item.set_left(k_none);
  item.set_right(k_none);
  make_bare(item);
  item.set_keep(false);
  if (item.redone()) {
    item.set_redone(false);
    redone_.erase(packed(items_.id(item)));
  }
}

void Engine::merge_deleted(const TransactionState& state) {
  for (const auto& [client, ranges] : state.deleted) {
    for (auto range = ranges.rbegin(); range != ranges.rend(); ++range) {
      merge_range(client, *range);
    }
  }
}

// What can be merged within `range` and with its neighbours.
void Engine::merge_range(ClientIndex client, ClockRange range) {
  const RunList& runs = clients_[client].runs;
  auto position = runs.find(items_, static_cast<std::uint32_t>(range.to - 1));
  if (!runs.is_last(position)) {
    position = runs.next(position);
  }
  while (!runs.is_first(position) && items_[runs.at(position)].clock >= range.from) {
    merge_with_lefts(clients_[client], position, position);
    if (runs.is_first(position)) {
      break;
    }
    position = runs.previous(position);
  }
}

void Engine::merge_new(const TransactionState& state) {
  for (std::size_t i = 0; i < state.settled; ++i) {
    const auto [client, old_state, after] = state.touched[i];
    if (state.gaps) {
      const auto parts = inserted(state, client, old_state, after);
      for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        merge_range(client, *part);
      }
      continue;
    }
    if (after == old_state) {
      continue;
    }
    const RunList& runs = clients_[client].runs;
    const std::uint32_t first_clock = items_[runs.at(runs.find(items_, old_state))].clock;
    auto position = runs.last();
    while (true) {
      // Of what others merged before, hardly anything can be: passed by in one go.
      position = runs.walk_back(position, [&](ItemRef left, ItemRef right) {
        return items_[right].clock < first_clock || alike(items_[left], items_[right], right);
      });
      if (runs.is_first(position) || items_[runs.at(position)].clock < first_clock) {
        break;
      }
      merge_with_lefts(clients_[client], position, position);
      if (runs.is_first(position)) {
        break;
      }
      position = runs.previous(position);
    }
  }
}

void Engine::merge_split(const TransactionState& state) {
  for (auto id = state.to_merge.rbegin(); id != state.to_merge.rend(); ++id) {
    Client& client = clients_[id->client];
    auto position = client.runs.find(items_, id->clock);
    if (!client.runs.is_last(position)) {
      RunList::Position merged_at;
      if (merge_with_lefts(client, client.runs.next(position), merged_at) > 1) {
        continue;
      }
      position = client.runs.find(items_, id->clock);
    }
    if (!client.runs.is_first(position)) {
      merge_with_lefts(client, position, position);
    }
  }
}

// What two that can merge are at least. Without branches: half of it follows no pattern.
bool Engine::alike(const Item& left, const Item& right, ItemRef right_ref) {
  const auto side_by_side = static_cast<unsigned>(left.right() == right_ref) |
                            static_cast<unsigned>(left.kind() == Kind::gc);
  return (side_by_side & static_cast<unsigned>(left.kind() == right.kind())) != 0;
}

// Yjs Item.mergeWith, GC.mergeWith. Both are neighbours in their client's runs.
bool Engine::can_merge(const Item& left, const Item& right, ItemRef right_ref) const {
  if (left.kind() != right.kind()) {
    return false;
  }
  if (left.kind() == Kind::gc) {
    return true;
  }
  if (left.right() != right_ref) {
    return false;
  }
  const bool joinable = left.kind() == Kind::string || left.kind() == Kind::any ||
                        left.kind() == Kind::json || left.kind() == Kind::deleted;
  return joinable && !left.redone() && !right.redone() && left.deleted() == right.deleted() &&
         items_.origin(right) == items_.last_id(left) &&
         items_.right_origin(left) == items_.right_origin(right);
}

// Merges the run at `position` with as many to its left as possible. `merged_at` is then where they
// are together.
std::size_t Engine::merge_with_lefts(Client& client, RunList::Position position,
                                     RunList::Position& merged_at) {
  RunList& runs = client.runs;
  std::size_t count = 0;
  RunList::Position first = position;
  while (!runs.is_first(first)) {
    const auto previous = runs.previous(first);
    const ItemRef right = runs.at(first);
    if (!can_merge(items_[runs.at(previous)], items_[right], right)) {
      break;
    }
    first = previous;
    ++count;
  }
  merged_at = first;
  if (count == 0) {
    return 0;
  }
  const ItemRef left = runs.at(first);
  auto right = first;
  for (std::size_t i = 0; i < count; ++i) {
    right = runs.next(right);
    absorb(left, runs.at(right));
  }
  runs.erase_after(items_, first, count);
  return count;
}

void Engine::absorb(ItemRef left_ref, ItemRef right_ref) {
  Item& left = items_[left_ref];
  Item& right = items_[right_ref];
  if (left.kind() != Kind::gc) {
    Type& parent = types_[items_.parent(left)];
    if (items_.key(right) == k_none) {
      if (parent.sequence) {
        parent.sequence->merged_into(right_ref, left_ref);
      }
      if (parent.cursor == right_ref) {
        parent.cursor = left_ref;
        parent.cursor_start -= left.visible();
      }
      if (parent.tail == right_ref) {
        parent.tail = left_ref;
      }
    } else if (parent.map.find(items_.key(right)) == right_ref) {
      parent.map.set(items_.key(right), left_ref);
    }
    left.set_right(right.right());
    if (left.right() != k_none) {
      items_[left.right()].set_left(left_ref);
    }
    if (left.kind() == Kind::string) {
      items_.append_text(left, right);
    } else if (left.kind() != Kind::deleted) {
      items_.append_bytes(left, items_.bytes(right));
    }
  }
  left.set_keep(left.keep() || right.keep());
  left.len += right.len;
  break_zone(right_ref);
  items_.release(right_ref);
}

Subscription Engine::on_update(std::function<void(BytesView, Origin)> observer,
                               UpdateFormat format) {
  return (format == UpdateFormat::v1 ? update_observers_ : update_v2_observers_)
      .add(std::move(observer));
}

void Engine::emit(const TransactionState& state) {
  if (update_observers_.empty() && update_v2_observers_.empty()) {
    return;
  }
  const auto settled = std::span(state.touched).first(state.settled);
  const bool changed = std::ranges::any_of(
      settled, [](const auto& touched) { return touched.after != touched.before; });
  if (!changed && state.deleted.empty() && !state.gaps) {
    return;
  }
  if (!update_observers_.empty()) {
    event_.rest().clear();
    write_transaction(event_, state);
    update_observers_.notify(event_.rest_view(), state.origin);
  }
  if (!update_v2_observers_.empty()) {
    UpdateEncoderV2 event;
    write_transaction(event, state);
    update_v2_observers_.notify(event.take(), state.origin);
  }
}

}  // namespace vivim::crdt::detail
