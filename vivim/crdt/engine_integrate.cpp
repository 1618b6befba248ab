#include <algorithm>
#include <iterator>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/engine_detail.hpp"

namespace vivim::crdt::detail {

namespace {

constexpr auto touched_client = [](const TransactionState::Touched& touched) {
  return touched.client;
};
constexpr auto deleted_client = [](const ClientRanges& ranges) { return ranges.first; };

}  // namespace

// Remembers, for every transaction that is not cleaned up yet, the client's state before it.
void Engine::touch(ClientIndex client) {
  for (const auto& state : queue_) {
    if (state->touched.empty() ||
        state->touched_slots.find(state->touched, client, touched_client) == k_none) {
      state->touched.push_back({.client = client, .before = clients_[client].state});
      state->touched_slots.added(state->touched, touched_client);
    }
  }
}

std::uint32_t Engine::before(const TransactionState& state, ClientIndex client) const {
  const std::uint32_t slot = state.touched_slots.find(state.touched, client, touched_client);
  return slot == k_none ? clients_[client].state : state.touched[slot].before;
}

// Whether anybody wants to know: observers, or the clean-up after remote changes of marked text.
bool Engine::tracked(const Type& type) const {
  return type.observers != nullptr || tracks_all_ || (type.has_formatting && !current_->local);
}

void Engine::note_change(TypeRef ref, KeyRef key) {
  Type& type = types_[ref];
  if (!tracked(type)) {
    return;
  }
  if (type.item != k_none) {
    const Item& item = items_[type.item];
    if (item.deleted() || is_new(*current_, item)) {
      return;
    }
  }
  auto& all = current_->changed;
  if (type.changed_in != current_->serial) {
    type.changed_in = current_->serial;
    type.changed_slot = static_cast<std::uint32_t>(all.size());
    all.push_back({.type = ref, .list = false, .keys = {}});
  }
  auto& changed = all[type.changed_slot];
  if (key == k_none) {
    changed.list = true;
  } else if (std::ranges::find(changed.keys, key) == changed.keys.end()) {
    changed.keys.push_back(key);
  }
}

void Engine::note_deleted(ClientIndex client, std::uint32_t clock, std::uint32_t len) {
  add_range(clients_[client].deleted, clock, len);
  auto& all = current_->deleted;
  std::uint32_t slot = current_->deleted_slots.find(all, client, deleted_client);
  if (slot == k_none) {
    slot = static_cast<std::uint32_t>(all.size());
    all.emplace_back(client, std::exchange(spare_ranges_, {}));
    current_->deleted_slots.added(all, deleted_client);
  }
  add_range(all[slot].second, clock, len);
}

bool Engine::deletes(const TransactionState& state, const Item& item) const {
  const std::uint32_t slot =
      state.deleted_slots.find(state.deleted, items_.client(item), deleted_client);
  if (slot == k_none) {
    return false;
  }
  const auto& ranges = state.deleted[slot].second;
  const auto it = std::ranges::upper_bound(ranges, item.clock, {}, &ClockRange::from);
  return it != ranges.begin() && item.clock < (it - 1)->to;
}

// Yjs Item.integrate. The item's neighbours, parent and content are set; it belongs at the end of
// its client's runs.
void Engine::integrate(ItemRef ref) {
  Item& item = items_[ref];
  if (items_.parent(item) == k_none) {
    items_.clear(item);
    item.set_kind(Kind::gc);
    item.set_deleted(true);
    item.set_left(k_none);
    item.set_right(k_none);
    make_bare(item);
    if (over_gaps()) {
      note_deleted(items_.client(item), item.clock, item.len);
    } else {
      add_range(clients_[items_.client(item)].deleted, item.clock, item.len);
    }
    add_run(ref);
    return;
  }
  const bool conflict = item.left() == k_none
                            ? item.right() == k_none || items_[item.right()].left() != k_none
                            : items_[item.left()].right() != item.right();
  if (conflict) {
    find_place(item);
  }
  link(ref);
  Type& parent = types_[items_.parent(item)];
  if (items_.key(item) == k_none) {
    parent.length += item.visible();
  }
  add_run(ref);
  if (item.kind() == Kind::deleted) {
    note_deleted(items_.client(item), item.clock, item.len);
    item.set_deleted(true);
  } else if (item.kind() == Kind::format) {
    parent.has_formatting = true;
  } else if (item.kind() == Kind::type) {
    types_[item.content].item = ref;
    types_[item.content].depth = parent.depth + 1;
  } else if (item.kind() == Kind::doc) {
    note_subdocument(ref);
  }
  note_change(items_.parent(item), items_.key(item));
  const bool parent_deleted = parent.item != k_none && items_[parent.item].deleted();
  if (parent_deleted || (items_.key(item) != k_none && item.right() != k_none)) {
    erase(ref);
  }
}

bool Engine::extend(ClientIndex client, DenseId right_origin, std::string_view text,
                    std::size_t units) {
  Client& writer = clients_[client];
  if (writer.runs.empty()) {
    return false;
  }
  const ItemRef ref = writer.runs.at(writer.runs.last());
  Item& item = items_[ref];
  if (item.kind() != Kind::string || item.deleted() || item.redone() ||
      items_.key(item) != k_none || items_.right_origin(item) != right_origin) {
    return false;
  }
  const bool in_place = item.right() == k_none ? !right_origin.exists()
                                               : items_.id(items_[item.right()]) == right_origin;
  Type& type = types_[items_.parent(item)];
  if (!in_place || tracked(type)) {
    return false;
  }
  touch(client);
  const auto more = static_cast<std::uint32_t>(units);
  items_.append_string(item, text, units);
  item.len += more;
  writer.state += more;
  type.length += more;
  if (type.sequence) {
    type.sequence->changed(ref, more);
  }
  if (type.cursor != ref) {
    type.cursor = k_none;
  }
  return true;
}

// The item after `item.left`, or the first of the list that it belongs to.
ItemRef Engine::first_conflict(const Item& item) const {
  if (item.left() != k_none) {
    return items_[item.left()].right();
  }
  if (items_.key(item) == k_none) {
    return types_[items_.parent(item)].start;
  }
  ItemRef ref = types_[items_.parent(item)].map.find(items_.key(item));
  while (ref != k_none && items_[ref].left() != k_none) {
    --steps_left_;
    ref = items_[ref].left();
  }
  return ref;
}

bool Engine::before_origin(const Item& other, std::uint32_t scan, ItemRef& origin) const {
  if (!items_.origin(other).exists()) {
    return false;
  }
  origin = item_at(items_.origin(other));
  return before_mark_[origin] == scan;
}

// Where the client's item goes among those of a zone. False: what is behind the zone matters too.
bool Engine::find_in_zone(Item& item) const {
  const auto& items = zone_->items;
  const auto next = items.lower_bound(clients_[items_.client(item)].id);
  if (next == items.end()) {
    const ItemRef last = items.rbegin()->second;
    if (items_[last].right() != item.right()) {
      return false;
    }
    item.set_left(last);
  } else if (next != items.begin()) {
    item.set_left(std::prev(next)->second);
  }
  return true;
}

void Engine::begin_zone(const Item& item) {
  end_zone();
  zone_ = std::make_unique<ConflictZone>(ConflictZone{.type = items_.parent(item),
                                                      .origin = items_.origin(item),
                                                      .right_origin = items_.right_origin(item),
                                                      .first = first_conflict(item),
                                                      .items = {}});
  auto& items = zone_->items;
  for (ItemRef ref = zone_->first; ref != k_none && zone_->takes(items_, items_[ref]);
       ref = items_[ref].right()) {
    const std::uint64_t id = clients_[items_.client(items_[ref])].id;
    if (!items.empty() && items.rbegin()->first >= id) {
      break;
    }
    items.emplace_hint(items.end(), id, ref);
    items_[ref].set_zoned(true);
  }
  if (items.empty()) {
    zone_.reset();
  }
}

// `ref` was linked. If it is in order among the items of the zone it is one of them.
void Engine::join_zone(ItemRef ref) {
  const Item& item = items_[ref];
  const bool beside = (item.left() != k_none && items_[item.left()].zoned()) ||
                      (item.right() != k_none && items_[item.right()].zoned());
  if (!beside) {
    return;
  }
  if (zone_->takes(items_, item)) {
    const auto [it, fresh] = zone_->items.emplace(clients_[items_.client(item)].id, ref);
    const bool after = it == zone_->items.begin() ? item.right() == zone_->first
                                                  : std::prev(it)->second == item.left();
    const bool before =
        std::next(it) == zone_->items.end() || std::next(it)->second == item.right();
    if (fresh && after && before) {
      items_[ref].set_zoned(true);
      zone_->first = zone_->items.begin()->second;
      return;
    }
    if (fresh) {
      zone_->items.erase(it);
    }
  }
  break_zone(item.right());
}

void Engine::end_zone() {
  if (zone_) {
    for (const auto& [id, ref] : zone_->items) {
      items_[ref].set_zoned(false);
    }
    zone_.reset();
  }
}

// YATA with right origins: moves item.left right past the concurrent items that come first.
void Engine::find_place(Item& item) {
  const bool in_zone = zone_ && zone_->takes(items_, item) && first_conflict(item) == zone_->first;
  if (in_zone && find_in_zone(item)) {
    return;
  }
  constexpr std::uint32_t k_many = 16;
  const ItemRef left = item.left();
  if (scan_conflicts(item) > k_many && items_.key(item) == k_none && !in_zone) {
    const ItemRef place = item.left();
    item.set_left(left);
    begin_zone(item);
    item.set_left(place);
  }
}

// Returns how many it passed.
std::uint32_t Engine::scan_conflicts(Item& item) {
  constexpr std::uint32_t k_marks_max = 1U << 31;
  if (before_mark_.size() < items_.capacity()) {
    before_mark_.resize(items_.capacity() + items_.capacity() / 2);
    conflict_mark_.resize(before_mark_.size());
  }
  if (mark_ > k_marks_max) {  // one scan uses no more than there are items
    std::ranges::fill(before_mark_, 0);
    std::ranges::fill(conflict_mark_, 0);
    mark_ = 0;
  }
  const std::uint32_t scan = ++mark_;
  std::uint32_t conflicting = ++mark_;
  const std::uint64_t own_id = clients_[items_.client(item)].id;
  std::uint32_t passed = 0;
  for (ItemRef ref = first_conflict(item); ref != k_none && ref != item.right();
       ref = items_[ref].right(), ++passed) {
    --steps_left_;
    const Item& other = items_[ref];
    before_mark_[ref] = scan;
    conflict_mark_[ref] = conflicting;
    ItemRef origin = k_none;
    if (items_.origin(item) == items_.origin(other)) {
      if (clients_[items_.client(other)].id < own_id) {
        item.set_left(ref);
        conflicting = ++mark_;
      } else if (items_.right_origin(item) == items_.right_origin(other)) {
        break;
      }
    } else if (before_origin(other, scan, origin)) {
      if (conflict_mark_[origin] != conflicting) {
        item.set_left(ref);
        conflicting = ++mark_;
      }
    } else {
      break;
    }
  }
  return passed;
}

void Engine::link(ItemRef ref) {
  Item& item = items_[ref];
  Type& parent = types_[items_.parent(item)];
  if (item.left() != k_none) {
    item.set_right(items_[item.left()].right());
    items_[item.left()].set_right(ref);
  } else {
    item.set_right(first_conflict(item));
    if (items_.key(item) == k_none) {
      parent.start = ref;
    }
  }
  if (item.right() != k_none) {
    items_[item.right()].set_left(ref);
  } else if (items_.key(item) == k_none) {
    parent.tail = ref;
  } else {
    parent.map.set(items_.key(item), ref);
    if (item.left() != k_none) {
      erase(item.left());
    }
  }
  if (items_.key(item) == k_none) {
    parent.cursor = k_none;
    if (parent.sequence) {
      parent.sequence->inserted(ref);
    }
    if (zone_) {
      join_zone(ref);
    }
  }
}

// Cuts a run in two and returns the right half. As in Yjs the left half keeps its right origin.
ItemRef Engine::split(ClientIndex client, RunList::Position position, std::uint32_t offset) {
  const ItemRef left_ref = clients_[client].runs.at(position);
  const ItemRef ref = items_.make();
  Item& left = items_[left_ref];
  Item& item = items_[ref];
  ++typed_on_.cut;
  // Text moves the part behind the cut, values are read up to it.
  steps_left_ -= 1 + static_cast<std::int64_t>(items_.size(left) >> 4);
  item.clock = left.clock + offset;
  item.len = left.len - offset;
  item.set_left(left_ref);
  item.set_right(left.right());
  item.origin_clock = item.clock - 1;
  item.right_origin_clock = left.right_origin_clock;
  Shape shape = items_.shape(left);
  shape.origin = client;
  items_.set_shape(item, shape);
  item.set_kind(left.kind());
  item.set_deleted(left.deleted());
  item.set_keep(left.keep());
  if (left.redone()) {
    const DenseId successor = redone_.at(packed(items_.id(left)));
    item.set_redone(true);
    redone_[packed(items_.id(item))] = {successor.client, successor.clock + offset};
  }
  if (left.kind() == Kind::string) {
    items_.split_text(left, item, offset);
  } else if (left.kind() == Kind::any || left.kind() == Kind::json) {
    items_.split_bytes(left, item, element_offset(left.kind(), items_.bytes(left), offset));
  }
  left.len = offset;
  left.set_right(ref);
  break_zone(item.right());
  Type& parent = types_[items_.parent(item)];
  if (item.right() != k_none) {
    items_[item.right()].set_left(ref);
  } else if (items_.key(item) == k_none) {
    parent.tail = ref;
  } else {
    parent.map.set(items_.key(item), ref);
  }
  if (items_.key(item) == k_none && parent.sequence) {
    parent.sequence->changed(left_ref, -static_cast<std::int64_t>(item.visible()));
    parent.sequence->inserted(ref);
  }
  clients_[client].runs.insert_after(items_, position, ref);
  current_->to_merge.push_back(items_.id(item));
  return ref;
}

void Engine::erase(ItemRef ref) {
  std::vector<ItemRef> todo{ref};
  while (!todo.empty()) {
    const ItemRef next = todo.back();
    todo.pop_back();
    Item& item = items_[next];
    if (item.deleted()) {
      continue;
    }
    Type& parent = types_[items_.parent(item)];
    if (items_.key(item) == k_none) {
      const std::uint32_t visible = item.visible();
      parent.length -= visible;
      parent.cursor = k_none;
      if (parent.sequence) {
        parent.sequence->changed(next, -static_cast<std::int64_t>(visible));
      }
    }
    item.set_deleted(true);
    current_->erased = true;
    note_deleted(items_.client(item), item.clock, item.len);
    note_change(items_.parent(item), items_.key(item));
    if (item.kind() == Kind::type) {
      erase_children(types_[item.content], todo);
    } else if (item.kind() == Kind::doc) {
      forget_subdocument(next);
    }
  }
}

// Everything inside a deleted type goes with it. What was deleted before will become GC structs and
// may then merge with neighbours.
void Engine::erase_children(const Type& type, std::vector<ItemRef>& todo) {
  const auto begin = static_cast<std::ptrdiff_t>(todo.size());
  const auto add = [&](ItemRef ref) {
    const Item& child = items_[ref];
    if (!child.deleted()) {
      todo.push_back(ref);
    } else if (!is_new(*current_, child)) {
      current_->to_merge.push_back(items_.id(child));
    }
  };
  for (ItemRef ref = type.start; ref != k_none; ref = items_[ref].right()) {
    add(ref);
  }
  for (const KeyMap::Entry& entry : type.map.entries()) {
    add(entry.item);
  }
  std::reverse(todo.begin() + begin, todo.end());
}

}  // namespace vivim::crdt::detail
