#include "vivim/crdt/engine_detail.hpp"

namespace vivim::crdt::detail {
namespace {

// Adds to the last step if it is of the same kind.
template <class Step, class Delta, class Length>
void extend(Delta& delta, Length Step::* length, std::uint32_t by) {
  if (delta.empty() || !std::holds_alternative<Step>(delta.back())) {
    delta.push_back(Step{});
  }
  std::get<Step>(delta.back()).*length += by;
}

template <class Delta>
void drop_last_retain(Delta& delta) {
  if (!delta.empty() && std::holds_alternative<Retain>(delta.back())) {
    delta.pop_back();
  }
}

}  // namespace

void Engine::call_observers(const TransactionState& state) {
  // Observers may begin transactions of their own; those have their own list of changes.
  for (const auto& changed : state.changed) {
    if (alive(changed.type)) {
      call_observers(state, changed);
    }
  }
}

void Engine::call_observers(const TransactionState& state,
                            const TransactionState::Changed& changed) {
  Type& type = types_[changed.type];
  if (type.text_observers && changed.list) {
    type.text_observers->notify(TextEvent{
        .target = text(changed.type), .delta = text_delta(state, type), .origin = state.origin});
  }
  if (type.array_observers && changed.list) {
    type.array_observers->notify(ArrayEvent{
        .target = array(changed.type), .delta = array_delta(state, type), .origin = state.origin});
  }
  if (type.map_observers && !changed.keys.empty()) {
    MapEvent event{.target = map(changed.type), .changes = {}, .origin = state.origin};
    for (const KeyRef key : changed.keys) {
      if (const auto action = map_action(state, type.map.find(key))) {
        event.changes.push_back({.key = keys_.name(key), .action = *action});
      }
    }
    type.map_observers->notify(event);
  }
}

TextDelta Engine::text_delta(const TransactionState& state, const Type& type) const {
  TextDelta delta;
  for (ItemRef ref = type.start; ref != k_none; ref = items_[ref].right) {
    const Item& item = items_[ref];
    if (!item.countable()) {
      continue;
    }
    const bool deleted_now = item.deleted && deletes(state, item);
    if (is_new(state, item)) {
      if (item.deleted) {
        continue;
      }
      if (item.kind == Kind::string) {
        if (delta.empty() || !std::holds_alternative<InsertText>(delta.back())) {
          delta.emplace_back(InsertText{});
        }
        item.content.append_to(std::get<InsertText>(delta.back()).utf8);
      } else {
        delta.insert(delta.end(), item.len, InsertEmbed{});
      }
    } else if (deleted_now) {
      extend<Remove>(delta, &Remove::length, item.len);
    } else if (!item.deleted) {
      extend<Retain>(delta, &Retain::length, item.len);
    }
  }
  drop_last_retain(delta);
  return delta;
}

ArrayDelta Engine::array_delta(const TransactionState& state, const Type& type) const {
  ArrayDelta delta;
  for (ItemRef ref = type.start; ref != k_none; ref = items_[ref].right) {
    const Item& item = items_[ref];
    if (!item.countable()) {
      continue;
    }
    if (item.deleted) {
      if (!is_new(state, item) && deletes(state, item)) {
        extend<Remove>(delta, &Remove::length, item.len);
      }
    } else if (is_new(state, item)) {
      extend<InsertElements>(delta, &InsertElements::count, item.len);
    } else {
      extend<Retain>(delta, &Retain::length, item.len);
    }
  }
  drop_last_retain(delta);
  return delta;
}

// Yjs YEvent.keys.
std::optional<MapAction> Engine::map_action(const TransactionState& state, ItemRef ref) const {
  if (ref == k_none) {
    return std::nullopt;
  }
  const Item& item = items_[ref];
  if (!is_new(state, item)) {
    return deletes(state, item) ? std::optional(MapAction::remove) : std::nullopt;
  }
  ItemRef previous = item.left;
  while (previous != k_none && is_new(state, items_[previous])) {
    previous = items_[previous].left;
  }
  const bool replaces = previous != k_none && deletes(state, items_[previous]);
  if (deletes(state, item)) {
    return replaces ? std::optional(MapAction::remove) : std::nullopt;
  }
  return replaces ? MapAction::update : MapAction::add;
}

}  // namespace vivim::crdt::detail
