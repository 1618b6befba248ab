#include <utility>

#include "vivim/crdt/engine_detail.hpp"

// What happened to a list, as YEvent.js and YText.js tell it.
namespace vivim::crdt::detail {
namespace {

// Collects the steps of a text's delta.
class TextSteps {
 public:
  void retain(std::uint32_t length) {
    begin(Action::retain);
    length_ += length;
  }
  void remove(std::uint32_t length) {
    begin(Action::remove);
    length_ += length;
  }
  void insert(const Items& items, const Item& text) {
    begin(Action::insert);
    items.append_to(inserted_, text);
  }
  void insert(Value value) {
    flush();
    delta_.emplace_back(InsertEmbed{.value = std::move(value), .attributes = current.to_object()});
  }
  void before_change_of_retained() {
    if (action_ == Action::retain) {
      flush();
    }
  }
  void before_change_of_inserted() {
    if (action_ == Action::insert) {
      flush();
    }
  }
  TextDelta take() {
    flush();
    while (!delta_.empty() && says_nothing(delta_.back())) {
      delta_.pop_back();
    }
    return std::move(delta_);
  }

  Attributes current;  ///< in force
  Attributes old;      ///< in force before the transaction
  Attributes changes;  ///< of what is retained

 private:
  enum class Action : std::uint8_t { none, retain, insert, remove };

  static bool says_nothing(const TextDelta::value_type& step) {
    const auto* retain = std::get_if<Retain>(&step);
    return retain != nullptr && retain->attributes.empty();
  }
  void begin(Action action) {
    if (action_ != action) {
      flush();
      action_ = action;
    }
  }
  void flush() {
    switch (std::exchange(action_, Action::none)) {
      case Action::retain:
        delta_.emplace_back(Retain{.length = length_, .attributes = changes.to_object()});
        break;
      case Action::remove:
        delta_.emplace_back(Remove{length_});
        break;
      case Action::insert:
        delta_.emplace_back(
            InsertText{.utf8 = std::exchange(inserted_, {}), .attributes = current.to_object()});
        break;
      case Action::none:
        break;
    }
    length_ = 0;
  }

  TextDelta delta_;
  Action action_ = Action::none;
  std::uint32_t length_ = 0;
  std::string inserted_;
};

// What a mark that is new means. True: nothing, it repeats what holds already.
bool step_new_mark(TextSteps& steps, std::string_view key, const FormatValue& value) {
  if (equal_values(steps.current.value(key), value)) {
    return !value.is_null();
  }
  steps.before_change_of_retained();
  if (equal_values(value, steps.old.value(key))) {
    steps.changes.erase(key);
  } else {
    steps.changes.set(key, value);
  }
  return false;
}

void step_lost_mark(TextSteps& steps, std::string_view key, const FormatValue& value) {
  steps.old.set(key, value);
  const FormatValue current = steps.current.value(key);
  if (!equal_values(current, value)) {
    steps.before_change_of_retained();
    steps.changes.set(key, current);
  }
}

// A mark that was there before. True: something new before it says the same.
bool step_old_mark(TextSteps& steps, std::string_view key, const FormatValue& value) {
  steps.old.set(key, value);
  const FormatValue* changed = steps.changes.find(key);
  if (changed == nullptr) {
    return false;
  }
  if (equal_values(*changed, value)) {
    return !changed->is_null();
  }
  steps.before_change_of_retained();
  if (value.is_null()) {
    steps.changes.erase(key);
  } else {
    steps.changes.set(key, value);
  }
  return false;
}

// Adds to the last step if it is of the same kind.
template <class Step>
Step& last_step(ArrayDelta& delta) {
  if (delta.empty() || !std::holds_alternative<Step>(delta.back())) {
    delta.push_back(Step{});
  }
  return std::get<Step>(delta.back());
}

}  // namespace

// Yjs YTextEvent.delta. As there, marks that turn out to repeat others are deleted on the way.
TextDelta Engine::text_delta(const TransactionState& state, TypeRef type) {
  TextSteps steps;
  std::vector<ItemRef> redundant;
  for (ItemRef ref = types_[type].start; ref != k_none; ref = items_[ref].right()) {
    const Item& item = items_[ref];
    const bool fresh = is_new(state, item);
    const bool deleted = item.deleted() && deletes(state, item);
    if (item.kind() == Kind::format) {
      const Format format = decode_format(items_.bytes(item));
      const FormatValue value = format_value(ref, format.json);
      bool gone = item.deleted();
      if (fresh && !deleted) {
        gone = step_new_mark(steps, format.key, value) || gone;
      } else if (!fresh && deleted) {
        step_lost_mark(steps, format.key, value);
      } else if (!fresh && !item.deleted()) {
        gone = step_old_mark(steps, format.key, value);
      }
      if (!gone) {
        steps.before_change_of_inserted();
        steps.current.update(format.key, value);
      } else if (!item.deleted()) {
        redundant.push_back(ref);
      }
    } else if (item.kind() == Kind::string || item.kind() == Kind::embed ||
               item.kind() == Kind::type) {
      // Other content can stand in a text, but is no part of it.
      if (fresh && !deleted) {
        if (item.kind() == Kind::string) {
          steps.insert(items_, item);
        } else {
          steps.insert(value_at(item, 0));
        }
      } else if (!fresh && deleted) {
        steps.remove(item.len);
      } else if (!fresh && !item.deleted()) {
        steps.retain(item.len);
      }
    }
  }
  if (options_.formatting_cleanup == FormattingCleanup::yjs) {  // even if there is nothing to do
    transact(
        [&](Transaction&) {
          for (const ItemRef ref : redundant) {
            erase(ref);
          }
        },
        {});
  }
  return steps.take();
}

ArrayDelta Engine::array_delta(const TransactionState& state, const Type& type) {
  ArrayDelta delta;
  for (ItemRef ref = type.start; ref != k_none; ref = items_[ref].right()) {
    const Item& item = items_[ref];
    if (!item.countable()) {
      continue;
    }
    if (item.deleted()) {
      if (!is_new(state, item) && deletes(state, item)) {
        last_step<Remove>(delta).length += item.len;
      }
    } else if (is_new(state, item)) {
      auto& values = last_step<InsertElements>(delta).values;
      each_value(item, [&](const Value& value) { values.push_back(value); });
    } else {
      last_step<Retain>(delta).length += item.len;
    }
  }
  if (!delta.empty() && std::holds_alternative<Retain>(delta.back())) {
    delta.pop_back();
  }
  return delta;
}

// Yjs YEvent.keys.
std::optional<MapChange> Engine::map_change(const TransactionState& state, const Type& type,
                                            KeyRef key) {
  const ItemRef ref = type.map.find(key);
  if (ref == k_none) {
    return std::nullopt;
  }
  MapChange change{.key = keys_.name(key), .action = MapAction::remove, .old_value = {}};
  const Item& item = items_[ref];
  if (!is_new(state, item)) {
    if (!deletes(state, item)) {
      return std::nullopt;
    }
    change.old_value = value_at(item, item.len - 1);
    return change;
  }
  ItemRef previous = item.left();
  while (previous != k_none && is_new(state, items_[previous])) {
    previous = items_[previous].left();
  }
  const bool replaces = previous != k_none && deletes(state, items_[previous]);
  const bool deleted = deletes(state, item);
  if (replaces) {
    change.old_value = value_at(items_[previous], items_[previous].len - 1);
  } else if (deleted) {
    return std::nullopt;
  }
  if (!deleted) {
    change.action = replaces ? MapAction::update : MapAction::add;
  }
  return change;
}

// The text as it is, as insertions.
TextDelta Engine::text_delta(TypeRef type) {
  TextSteps steps;
  if (!alive(type)) {
    return {};
  }
  for (ItemRef ref = types_[type].start; ref != k_none; ref = items_[ref].right()) {
    const Item& item = items_[ref];
    if (item.is_mark()) {
      const Format format = decode_format(items_.bytes(item));
      steps.before_change_of_inserted();
      steps.current.update(format.key, format_value(ref, format.json));
    } else if (!item.deleted() && item.kind() == Kind::string) {
      steps.insert(items_, item);
    } else if (item.visible() > 0 && (item.kind() == Kind::embed || item.kind() == Kind::type)) {
      steps.insert(value_at(item, 0));
    }
  }
  return steps.take();
}

}  // namespace vivim::crdt::detail
