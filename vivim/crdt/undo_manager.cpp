#include "vivim/crdt/undo_manager.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/undo_detail.hpp"

namespace vivim::crdt {

namespace detail {
namespace {

void add_all(std::vector<ClientRanges>& to, const std::vector<ClientRanges>& from) {
  for (const auto& [client, ranges] : from) {
    auto it = std::ranges::find(to, client, &ClientRanges::first);
    if (it == to.end()) {
      it = to.insert(it, {client, {}});
    }
    it->second.insert(it->second.end(), ranges.begin(), ranges.end());
    normalise(it->second);
  }
}

}  // namespace

bool contains(const std::vector<ClientRanges>& ranges, DenseId id) {
  const auto client = std::ranges::find(ranges, id.client, &ClientRanges::first);
  if (client == ranges.end()) {
    return false;
  }
  const auto it = std::ranges::upper_bound(client->second, id.clock, {}, &ClockRange::from);
  return it != client->second.begin() && id.clock < (it - 1)->to;
}

UndoState::UndoState(Engine& engine, const std::vector<Value>& scope, UndoOptions given)
    : options(std::move(given)),
      engine_(engine),
      whole_(scope.empty()),
      following_(engine.after_transaction([this](TransactionState& state) {
        if (captures(state)) {
          capture(state);
        }
      })) {
  for (const Value& type : scope) {
    add_to_scope(type);
  }
}

void UndoState::add_to_scope(const Value& type) {
  std::visit(
      [this]<class Held>(const Held& held) {
        if constexpr (!std::is_same_v<Held, Any> && !std::is_same_v<Held, Subdocument>) {
          scope_.push_back(Engine::type_of(held));
        }
      },
      static_cast<const Value::Base&>(type));
}

bool UndoState::captures(const TransactionState& state) const {
  if (options.capture_transaction && !options.capture_transaction(state.origin)) {
    return false;
  }
  const bool touches = whole_ || std::ranges::any_of(scope_, [&](TypeRef type) {
                         return state.parent_slots.contains(type);
                       });
  if (!touches) {
    return false;
  }
  if (state.undo_manager != nullptr) {
    return state.undo_manager == this;
  }
  const bool nameless = !state.local && state.origin == Origin{};
  return !nameless &&
         std::ranges::find(options.tracked_origins, state.origin) != options.tracked_origins.end();
}

bool UndoState::in_scope(ItemRef item) const {
  if (whole_) {
    return true;
  }
  while (item != k_none) {
    const TypeRef parent = engine_.items_.parent(engine_.items_[item]);
    if (std::ranges::find(scope_, parent) != scope_.end()) {
      return true;
    }
    item = engine_.types_[parent].item;
  }
  return false;
}

// Yjs keepItem: neither the item nor what it lies in is forgotten.
void UndoState::keep(ItemRef item, bool wanted) {
  while (item != k_none && engine_.items_[item].keep() != wanted) {
    engine_.items_[item].set_keep(wanted);
    item = parent_item(item);
  }
}

// Yjs UndoManager.afterTransactionHandler.
void UndoState::capture(TransactionState& state) {
  auto& steps = undoing_ ? redo_steps : undo_steps;
  if (undoing_) {
    last_change_ms.reset();
  } else if (!redoing_) {
    clear({.redo = true});
  }
  Step step;
  step.deletions = state.deleted;
  for (std::size_t i = 0; i < state.settled; ++i) {
    const auto [client, from, after] = state.touched[i];
    if (auto parts = engine_.inserted(state, client, from, after); !parts.empty()) {
      step.insertions.emplace_back(client, std::move(parts));
    }
  }
  const bool joins = last_change_ms && now_ms - *last_change_ms < options.capture_timeout_ms &&
                     !steps.empty() && !undoing_ && !redoing_;
  if (joins) {
    add_all(steps.back().deletions, step.deletions);
    add_all(steps.back().insertions, step.insertions);
  } else {
    steps.push_back(std::move(step));
  }
  if (!undoing_ && !redoing_) {
    last_change_ms = now_ms;
  }
  engine_.each_deleted(state, state.deleted, [this](ItemRef item) {
    if (engine_.items_[item].kind() != Kind::gc && in_scope(item)) {
      keep(item, true);
    }
  });
  if (steps.size() > options.steps_max) {
    release(state, steps.front());
    steps.erase(steps.begin());
  }
  if (!steps.empty()) {
    observers.notify({.kind = joins ? UndoEvent::Kind::updated : UndoEvent::Kind::added,
                      .stack = undoing_ ? UndoEvent::Stack::redo : UndoEvent::Stack::undo,
                      .meta = steps.back().meta,
                      .changed = changed_in(state),
                      .origin = state.origin});
  }
}

std::vector<Value> UndoState::changed_in(const TransactionState& state) {
  std::vector<Value> changed;
  if (!observers.empty()) {
    for (const auto& [type, events] : state.parents) {
      changed.push_back(engine_.value_of_type(type));
    }
  }
  return changed;
}

void UndoState::release(TransactionState& state, const Step& step) {
  engine_.each_deleted(state, step.deletions, [this](ItemRef item) {
    if (engine_.items_[item].kind() != Kind::gc && in_scope(item)) {
      keep(item, false);
    }
  });
}

void UndoState::clear(Stacks which) {
  if (!(which.undo && !undo_steps.empty()) && !(which.redo && !redo_steps.empty())) {
    return;
  }
  engine_.transact(
      [&](Transaction&) {
        const auto release_all = [&](std::vector<Step>& steps) {
          for (const Step& step : std::exchange(steps, {})) {
            release(*engine_.current_, step);
          }
        };
        if (which.undo) {
          release_all(undo_steps);
        }
        if (which.redo) {
          release_all(redo_steps);
        }
      },
      {});
}

// Yjs popStackItem.
bool UndoState::pop(Which which) {
  VIVIM_ASSERT(!engine_.in_transaction());
  auto& steps = which == Which::undo ? undo_steps : redo_steps;
  bool& running = which == Which::undo ? undoing_ : redoing_;
  running = true;
  std::vector<Value> changed;
  TransactionState& state = engine_.begin({}, true);
  state.undo_manager = this;
  while (!steps.empty() && !current_) {
    Step step = std::move(steps.back());
    steps.pop_back();
    if (take_back(state, step)) {
      current_ = std::move(step);
    }
  }
  const auto seen = engine_.after_transaction_.add([&](const TransactionState& ended) {
    if (&ended == &state) {
      changed = changed_in(ended);
    }
  });
  engine_.end(state);
  running = false;
  if (!current_) {
    return false;
  }
  Step popped = *std::exchange(current_, std::nullopt);
  observers.notify({.kind = UndoEvent::Kind::popped,
                    .stack = which == Which::undo ? UndoEvent::Stack::undo : UndoEvent::Stack::redo,
                    .meta = popped.meta,
                    .changed = std::move(changed),
                    .origin = {}});
  return true;
}

}  // namespace detail

UndoManager::UndoManager(Doc& doc, const std::vector<Value>& scope, UndoOptions options)
    : state_(std::make_unique<detail::UndoState>(doc.engine(), scope, std::move(options))) {}
UndoManager::~UndoManager() = default;

void UndoManager::set_time(std::uint64_t now_ms) {
  state_->now_ms = now_ms;
}
void UndoManager::stop_capturing() {
  state_->last_change_ms.reset();
}
bool UndoManager::undo() {
  return state_->pop(detail::UndoState::Which::undo);
}
bool UndoManager::redo() {
  return state_->pop(detail::UndoState::Which::redo);
}
std::size_t UndoManager::undo_steps() const {
  return state_->undo_steps.size();
}
std::size_t UndoManager::redo_steps() const {
  return state_->redo_steps.size();
}
void UndoManager::clear() {
  state_->clear({.undo = true, .redo = true});
}
void UndoManager::clear_undo() {
  state_->clear({.undo = true});
}
void UndoManager::clear_redo() {
  state_->clear({.redo = true});
}
const Any::Object* UndoManager::step_under_way() const {
  return state_->step_under_way();
}
void UndoManager::add_to_scope(const Value& type) {
  state_->add_to_scope(type);
}
void UndoManager::track(Origin origin) {
  state_->options.tracked_origins.push_back(origin);
}
void UndoManager::untrack(Origin origin) {
  std::erase(state_->options.tracked_origins, origin);
}
Subscription UndoManager::observe(std::function<void(const UndoEvent&)> observer) {
  return state_->observers.add(std::move(observer));
}

}  // namespace vivim::crdt
