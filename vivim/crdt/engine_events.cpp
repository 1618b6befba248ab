#include <algorithm>
#include <utility>

#include "vivim/crdt/engine_detail.hpp"

// Who hears of what, in Yjs' order: the observers of each changed type, then those of the types
// above, then whoever follows transactions, then the clean-up of formatting.
namespace vivim::crdt::detail {
namespace {

bool is_text(TypeKind kind) {
  return kind == TypeKind::text || kind == TypeKind::xml_text;
}

}  // namespace

TypeObservers& Engine::observers(TypeRef ref) {
  auto& observers = types_[ref].observers;
  if (!observers) {
    observers = std::make_unique<TypeObservers>();
  }
  return *observers;
}

void Engine::call_observers(TransactionState& state) {
  bool formatting = false;
  state.told.resize(state.changed.size());
  // Observers may begin transactions of their own; those have their own list of changes.
  for (std::uint32_t i = 0; i < state.changed.size(); ++i) {
    const TypeRef ref = state.changed[i].type;
    if (alive(ref)) {
      call_observers(state, i);
      const Type& type = types_[ref];
      formatting = formatting || (!state.local && type.has_formatting && is_text(type.kind));
    }
  }
  call_deep_observers(state);
  after_transaction_.notify(state);
  if (formatting && options_.formatting_cleanup == FormattingCleanup::yjs) {
    clean_formatting_after(state);
  }
}

void Engine::call_observers(TransactionState& state, std::uint32_t index) {
  const TypeRef type = state.changed[index].type;
  if (tracks_all_) {
    note_parents(state, type, index);
  }
  TypeObservers* observers = types_[type].observers.get();
  if (observers != nullptr && observers->direct()) {
    notify(state, *observers, state.changed[index], tell(state, index));
  }
}

const TransactionState::Told& Engine::tell(TransactionState& state, std::uint32_t index) {
  TransactionState::Told& told = state.told[index];
  if (std::exchange(told.ready, true)) {
    return told;
  }
  const auto& changed = state.changed[index];
  const Type& type = types_[changed.type];
  if (is_text(type.kind)) {
    told.text = text_delta(state, changed.type);
  } else if (changed.list) {
    told.list = array_delta(state, type);
  }
  for (const KeyRef key : changed.keys) {
    if (auto change = map_change(state, type, key)) {
      told.keys.push_back(std::move(*change));
    }
  }
  return told;
}

void Engine::notify(const TransactionState& state, TypeObservers& observers,
                    const TransactionState::Changed& changed, const TransactionState::Told& told) {
  const TypeRef ref = changed.type;
  const TypeKind kind = types_[ref].kind;
  if (!observers.text.empty() && is_text(kind)) {
    observers.text.notify(TextEvent{
        .target = text(ref), .delta = told.text, .keys = told.keys, .origin = state.origin});
  }
  if (!observers.array.empty() && changed.list) {
    observers.array.notify(
        ArrayEvent{.target = array(ref), .delta = told.list, .origin = state.origin});
  }
  if (!observers.map.empty() && !changed.keys.empty()) {
    observers.map.notify(
        MapEvent{.target = map(ref), .changes = told.keys, .origin = state.origin});
  }
  if (!observers.xml.empty()) {
    observers.xml.notify(XmlEvent{.target = value_of_type(ref),
                                  .delta = told.list,
                                  .attributes = told.keys,
                                  .origin = state.origin});
  }
}

// Yjs callTypeObservers: the event belongs to the type and to every type above it.
void Engine::note_parents(TransactionState& state, TypeRef type, std::uint32_t index) {
  while (true) {
    const auto [it, fresh] =
        state.parent_slots.emplace(type, static_cast<std::uint32_t>(state.parents.size()));
    if (fresh) {
      state.parents.push_back({type, {}});
    }
    state.parents[it->second].second.push_back(index);
    if (types_[type].item == k_none) {
      return;
    }
    type = items_.parent(items_[types_[type].item]);
  }
}

void Engine::call_deep_observers(TransactionState& state) {
  std::vector<std::size_t> observed;
  for (std::size_t i = 0; i < state.parents.size(); ++i) {
    const TypeRef ref = state.parents[i].first;
    const auto& observers = types_[ref].observers;
    if (observers && !observers->deep.empty() && alive(ref)) {
      observed.push_back(i);
    }
  }
  for (const std::size_t i : observed) {
    call_deep_observers(state, state.parents[i].first, state.parents[i].second);
  }
}

// Tells of the upper types first; of one depth in the order in which they changed.
void Engine::call_deep_observers(TransactionState& state, TypeRef type,
                                 const std::vector<std::uint32_t>& indexes) {
  struct Place {
    std::size_t depth = 0;
    std::size_t order = 0;
    std::uint32_t index = 0;
    Path path;
  };
  std::vector<Place> places;
  for (const std::uint32_t index : indexes) {
    if (alive(state.changed[index].type)) {
      Path path = path_between(type, state.changed[index].type);
      places.push_back({path.size(), places.size(), index, std::move(path)});
    }
  }
  std::ranges::sort(places, {},
                    [](const Place& place) { return std::pair(place.depth, place.order); });
  std::vector<Event> events;
  for (Place& place : places) {
    const TransactionState::Told& told = tell(state, place.index);
    events.push_back({.target = value_of_type(state.changed[place.index].type),
                      .path = std::move(place.path),
                      .text = told.text,
                      .delta = told.list,
                      .keys = told.keys,
                      .origin = state.origin});
  }
  types_[type].observers->deep.notify(events);
}

// Yjs getPathTo.
Path Engine::path_between(TypeRef from, TypeRef to) const {
  Path path;
  while (to != from && types_[to].item != k_none) {
    const Item& item = items_[types_[to].item];
    if (items_.key(item) != k_none) {
      path.emplace_back(keys_.name(items_.key(item)));
    } else {
      std::uint32_t index = 0;
      for (ItemRef ref = item.left(); ref != k_none; ref = items_[ref].left()) {
        index += items_[ref].visible();
      }
      path.emplace_back(index);
    }
    to = items_.parent(item);
  }
  std::ranges::reverse(path);
  return path;
}

}  // namespace vivim::crdt::detail
