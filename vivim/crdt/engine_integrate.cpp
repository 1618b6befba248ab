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
    if (state->touched_slots.find(state->touched, client, touched_client) == k_none) {
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
    if (item.deleted || is_new(*current_, item)) {
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
  const std::uint32_t slot = state.deleted_slots.find(state.deleted, item.client, deleted_client);
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
  if (item.parent == k_none) {
    item.kind = Kind::gc;
    item.deleted = true;
    item.content.clear();
    item.left = item.right = k_none;
    item.origin = item.right_origin = {};
    item.key = k_none;
    add_range(clients_[item.client].deleted, item.clock, item.len);
    add_run(ref);
    return;
  }
  const bool conflict = item.left == k_none
                            ? item.right == k_none || items_[item.right].left != k_none
                            : items_[item.left].right != item.right;
  if (conflict) {
    find_place(item);
  }
  link(ref);
  Type& parent = types_[item.parent];
  if (item.key == k_none) {
    parent.length += item.visible();
  }
  add_run(ref);
  if (item.kind == Kind::deleted) {
    note_deleted(item.client, item.clock, item.len);
    item.deleted = true;
  } else if (item.kind == Kind::format) {
    parent.has_formatting = true;
  } else if (item.kind == Kind::type) {
    types_[item.content.number()].item = ref;
    types_[item.content.number()].depth = parent.depth + 1;
  } else if (item.kind == Kind::doc) {
    note_subdocument(ref);
  }
  note_change(item.parent, item.key);
  const bool parent_deleted = parent.item != k_none && items_[parent.item].deleted;
  if (parent_deleted || (item.key != k_none && item.right != k_none)) {
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
  if (item.kind != Kind::string || item.deleted || item.redone || item.key != k_none ||
      item.right_origin != right_origin) {
    return false;
  }
  const bool in_place =
      item.right == k_none ? !right_origin.exists() : items_[item.right].id() == right_origin;
  Type& type = types_[item.parent];
  if (!in_place || tracked(type)) {
    return false;
  }
  touch(client);
  const auto more = static_cast<std::uint32_t>(units);
  item.content.append_string(text, units);
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
  if (item.left != k_none) {
    return items_[item.left].right;
  }
  if (item.key == k_none) {
    return types_[item.parent].start;
  }
  ItemRef ref = types_[item.parent].map.find(item.key);
  while (ref != k_none && items_[ref].left != k_none) {
    --steps_left_;
    ref = items_[ref].left;
  }
  return ref;
}

bool Engine::before_origin(const Item& other, std::uint64_t scan, ItemRef& origin) const {
  if (!other.origin.exists()) {
    return false;
  }
  origin = item_at(other.origin);
  return before_mark_[origin] == scan;
}

// Where the client's item goes among those of a zone. False: what is behind the zone matters too.
bool Engine::find_in_zone(Item& item) const {
  const auto& items = zone_->items;
  const auto next = items.lower_bound(clients_[item.client].id);
  if (next == items.end()) {
    const ItemRef last = items.rbegin()->second;
    if (items_[last].right != item.right) {
      return false;
    }
    item.left = last;
  } else if (next != items.begin()) {
    item.left = std::prev(next)->second;
  }
  return true;
}

void Engine::begin_zone(const Item& item) {
  end_zone();
  zone_ = std::make_unique<ConflictZone>(ConflictZone{.type = item.parent,
                                                      .origin = item.origin,
                                                      .right_origin = item.right_origin,
                                                      .first = first_conflict(item),
                                                      .items = {}});
  auto& items = zone_->items;
  for (ItemRef ref = zone_->first; ref != k_none && zone_->takes(items_[ref]);
       ref = items_[ref].right) {
    const std::uint64_t id = clients_[items_[ref].client].id;
    if (!items.empty() && items.rbegin()->first >= id) {
      break;
    }
    items.emplace_hint(items.end(), id, ref);
    items_[ref].zoned = true;
  }
  if (items.empty()) {
    zone_.reset();
  }
}

// `ref` was linked. If it is in order among the items of the zone it is one of them.
void Engine::join_zone(ItemRef ref) {
  const Item& item = items_[ref];
  const bool beside = (item.left != k_none && items_[item.left].zoned) ||
                      (item.right != k_none && items_[item.right].zoned);
  if (!beside) {
    return;
  }
  if (zone_->takes(item)) {
    const auto [it, fresh] = zone_->items.emplace(clients_[item.client].id, ref);
    const bool after = it == zone_->items.begin() ? item.right == zone_->first
                                                  : std::prev(it)->second == item.left;
    const bool before = std::next(it) == zone_->items.end() || std::next(it)->second == item.right;
    if (fresh && after && before) {
      items_[ref].zoned = true;
      zone_->first = zone_->items.begin()->second;
      return;
    }
    if (fresh) {
      zone_->items.erase(it);
    }
  }
  break_zone(item.right);
}

void Engine::end_zone() {
  if (zone_) {
    for (const auto& [id, ref] : zone_->items) {
      items_[ref].zoned = false;
    }
    zone_.reset();
  }
}

// YATA with right origins: moves item.left right past the concurrent items that come first.
void Engine::find_place(Item& item) {
  const bool in_zone = zone_ && zone_->takes(item) && first_conflict(item) == zone_->first;
  if (in_zone && find_in_zone(item)) {
    return;
  }
  constexpr std::uint32_t k_many = 16;
  const ItemRef left = item.left;
  if (scan_conflicts(item) > k_many && item.key == k_none && !in_zone) {
    const ItemRef place = std::exchange(item.left, left);
    begin_zone(item);
    item.left = place;
  }
}

// Returns how many it passed.
std::uint32_t Engine::scan_conflicts(Item& item) {
  if (before_mark_.size() < items_.capacity()) {
    before_mark_.resize(items_.capacity() + items_.capacity() / 2);
    conflict_mark_.resize(before_mark_.size());
  }
  const std::uint64_t scan = ++mark_;
  std::uint64_t conflicting = ++mark_;
  const std::uint64_t own_id = clients_[item.client].id;
  std::uint32_t passed = 0;
  for (ItemRef ref = first_conflict(item); ref != k_none && ref != item.right;
       ref = items_[ref].right, ++passed) {
    --steps_left_;
    const Item& other = items_[ref];
    before_mark_[ref] = scan;
    conflict_mark_[ref] = conflicting;
    ItemRef origin = k_none;
    if (item.origin == other.origin) {
      if (clients_[other.client].id < own_id) {
        item.left = ref;
        conflicting = ++mark_;
      } else if (item.right_origin == other.right_origin) {
        break;
      }
    } else if (before_origin(other, scan, origin)) {
      if (conflict_mark_[origin] != conflicting) {
        item.left = ref;
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
  Type& parent = types_[item.parent];
  if (item.left != k_none) {
    item.right = items_[item.left].right;
    items_[item.left].right = ref;
  } else {
    item.right = first_conflict(item);
    if (item.key == k_none) {
      parent.start = ref;
    }
  }
  if (item.right != k_none) {
    items_[item.right].left = ref;
  } else if (item.key == k_none) {
    parent.tail = ref;
  } else {
    parent.map.set(item.key, ref);
    if (item.left != k_none) {
      erase(item.left);
    }
  }
  if (item.key == k_none) {
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
  // Text moves the part behind the cut, values are read up to it.
  steps_left_ -= 1 + (left.content.size() >> 4);
  item.client = client;
  item.clock = left.clock + offset;
  item.len = left.len - offset;
  item.left = left_ref;
  item.right = left.right;
  item.origin = {client, item.clock - 1};
  item.right_origin = left.right_origin;
  item.parent = left.parent;
  item.key = left.key;
  item.kind = left.kind;
  item.deleted = left.deleted;
  item.keep = left.keep;
  if (left.redone) {
    const DenseId successor = redone_.at(packed(left.id()));
    item.redone = true;
    redone_[packed(item.id())] = {successor.client, successor.clock + offset};
  }
  if (left.kind == Kind::string) {
    item.content = left.content.split_text(offset);
  } else if (left.kind == Kind::any || left.kind == Kind::json) {
    item.content =
        left.content.split_bytes(element_offset(left.kind, left.content.bytes(), offset));
  }
  left.len = offset;
  left.right = ref;
  break_zone(item.right);
  Type& parent = types_[item.parent];
  if (item.right != k_none) {
    items_[item.right].left = ref;
  } else if (item.key == k_none) {
    parent.tail = ref;
  } else {
    parent.map.set(item.key, ref);
  }
  if (item.key == k_none && parent.sequence) {
    parent.sequence->changed(left_ref, -static_cast<std::int64_t>(item.visible()));
    parent.sequence->inserted(ref);
  }
  clients_[client].runs.insert_after(position, {.clock = item.clock, .item = ref});
  current_->to_merge.push_back(item.id());
  return ref;
}

void Engine::erase(ItemRef ref) {
  std::vector<ItemRef> todo{ref};
  while (!todo.empty()) {
    const ItemRef next = todo.back();
    todo.pop_back();
    Item& item = items_[next];
    if (item.deleted) {
      continue;
    }
    Type& parent = types_[item.parent];
    if (item.key == k_none) {
      const std::uint32_t visible = item.visible();
      parent.length -= visible;
      parent.cursor = k_none;
      if (parent.sequence) {
        parent.sequence->changed(next, -static_cast<std::int64_t>(visible));
      }
    }
    item.deleted = true;
    current_->erased = true;
    note_deleted(item.client, item.clock, item.len);
    note_change(item.parent, item.key);
    if (item.kind == Kind::type) {
      erase_children(types_[item.content.number()], todo);
    } else if (item.kind == Kind::doc) {
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
    if (!child.deleted) {
      todo.push_back(ref);
    } else if (!is_new(*current_, child)) {
      current_->to_merge.push_back(child.id());
    }
  };
  for (ItemRef ref = type.start; ref != k_none; ref = items_[ref].right) {
    add(ref);
  }
  for (const KeyMap::Entry& entry : type.map.entries()) {
    add(entry.item);
  }
  std::reverse(todo.begin() + begin, todo.end());
}

}  // namespace vivim::crdt::detail
