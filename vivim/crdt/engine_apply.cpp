#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/engine_detail.hpp"

namespace vivim::crdt::detail {

/// One pass of Yjs' integrateStructs over an update: a client at a time, highest id first, jumping
/// to another client when a struct depends on it; what cannot be placed is left over.
class Integration {
 public:
  /// `placed`: how many structs of the first group are in the document already.
  Integration(Engine& engine, const DecodedUpdate& update, std::size_t placed) : engine_(engine) {
    for (const auto& group : update.groups) {
      if (!group.empty()) {
        groups_.push_back({.client = group.front().client, .items = group, .next = placed});
        placed = 0;
      }
    }
    std::ranges::sort(groups_, {}, &Group::client);
    target_ = groups_.size();
  }

  /// False: the steps ran out, and what is left over can go on at once.
  bool run() {
    for (Group* group = next_target(); group != nullptr; group = next_target()) {
      push(*group);
      while (!stack_.empty()) {
        if (--engine_.steps_left_ < 0) {
          park_all();
          return false;
        }
        step();
      }
    }
    return true;
  }

  /// What was left over, as an update without deletions; empty if nothing was.
  Bytes rest() const {
    UpdateEncoderV1 out;
    std::size_t count = 0;
    for (auto group = groups_.rbegin(); group != groups_.rend(); ++group) {
      if (group->parked_from == k_not_parked) {
        continue;
      }
      ++count;
      const auto items = group->items.subspan(group->parked_from);
      out.rest().var_uint(items.size());
      out.rest().var_uint(group->client);
      out.rest().var_uint(items.front().clock);
      for (const WireStruct& item : items) {
        write_struct(out, item, 0);
      }
    }
    if (count == 0) {
      return {};
    }
    lib0::Encoder update;
    update.var_uint(count);
    update.raw(out.rest_view());
    update.var_uint(0);
    return update.take();
  }

 private:
  static constexpr std::size_t k_not_parked = static_cast<std::size_t>(-1);
  struct Group {
    std::uint64_t client = 0;
    std::span<const WireStruct> items;
    std::size_t next = 0;
    std::size_t parked_from = k_not_parked;
    bool done() const { return parked_from != k_not_parked || next == items.size(); }
  };
  struct Pending {
    Group* group = nullptr;
    std::size_t index = 0;
  };

  Group* next_target() {
    while (target_ > 0 && groups_[target_ - 1].done()) {
      --target_;
    }
    return target_ == 0 ? nullptr : &groups_[target_ - 1];
  }

  Group* find(std::uint64_t client) {
    const auto it = std::ranges::lower_bound(groups_, client, {}, &Group::client);
    return it != groups_.end() && it->client == client ? &*it : nullptr;
  }

  void push(Group& group) { stack_.push_back({.group = &group, .index = group.next++}); }

  // Nothing on the stack can be placed: the rest of each of its clients waits.
  void park_stack() {
    for (const Pending& pending : stack_) {
      pending.group->parked_from = std::min(pending.group->parked_from, pending.index);
    }
    stack_.clear();
  }

  void park_all() {
    park_stack();
    for (Group& group : groups_) {
      if (!group.done()) {
        group.parked_from = group.next;
      }
    }
  }

  void step() {
    const Pending head = stack_.back();
    const WireStruct& item = head.group->items[head.index];
    if (item.kind == Kind::skip) {
      stack_.pop_back();
      return;
    }
    const std::uint64_t state = engine_.state_of(item.client);
    if (state < item.clock) {
      engine_.note_missing(item.client, item.clock - 1);
      park_stack();
      return;
    }
    if (const auto missing = engine_.missing_client(item)) {
      Group* other = find(*missing);
      if (other == nullptr || other->done()) {
        engine_.note_missing(*missing, engine_.state_of(*missing));
        park_stack();
      } else {
        push(*other);
      }
      return;
    }
    if (engine_.too_deep(item)) {
      park_stack();
      return;
    }
    if (state < item.end()) {
      engine_.integrate_wire(item, static_cast<std::uint32_t>(state - item.clock));
    } else {
      engine_.cut_at_origins(item);
    }
    stack_.pop_back();
  }

  Engine& engine_;
  std::vector<Group> groups_;
  std::size_t target_ = 0;
  std::vector<Pending> stack_;
};

Result<void> Engine::apply(BytesView bytes, Origin origin, UpdateFormat format) {
  VIVIM_TRYV(decode_update(bytes, format, decoded_));
  VIVIM_TRYV(check_room(decoded_, bytes.size()));
  find_equivocations(decoded_, bytes.size(), origin);
  steps_left_ =
      k_apply_steps_min + k_apply_steps_per_byte * static_cast<std::int64_t>(bytes.size());
  if (current_ != nullptr) {
    current_->local = false;
    apply_expected();
    return {};
  }
  TransactionState& state = begin(origin, false);
  apply_expected();
  constexpr std::size_t k_kept_structs = 4;
  if (decoded_.structs.capacity() > k_kept_structs) {
    decoded_ = DecodedUpdate();
  }
  note_senders(state);
  end(state);
  return {};
}

// Applies `decoded_`. Where there is much of a client, that is told to its runs before.
void Engine::apply_expected() {
  constexpr std::size_t k_many = 64;
  typed_on_ = {};
  const auto each_large = [&](auto visit) {
    for (const auto& group : decoded_.groups) {
      if (group.size() >= k_many) {
        visit(clients_[client_index(group.front().client)].runs, group);
      }
    }
  };
  each_large([](RunList& runs, std::span<const WireStruct> group) {
    runs.expect(static_cast<std::uint32_t>(group.back().end() - group.front().clock), group.size());
  });
  apply_decoded(decoded_);
  each_large([](RunList& runs, std::span<const WireStruct>) { runs.forget(); });
}

// Places the structs of one client as long as nothing is missing and steps are left; how many that
// were.
std::size_t Engine::apply_in_order(std::span<const WireStruct> items) {
  const ClientIndex client = client_index(items.front().client);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const WireStruct& item = items[i];
    const std::uint64_t state = clients_[client].state;
    if (state == item.clock && steps_left_ > 0 && place(client, item)) {
      --steps_left_;
      continue;
    }
    if (item.kind == Kind::skip || state < item.clock || missing_client(item) || too_deep(item) ||
        steps_left_ <= 0) {
      return i;
    }
    --steps_left_;
    if (state < item.end()) {
      integrate_wire(item, static_cast<std::uint32_t>(state - item.clock));
    } else {
      cut_at_origins(item);
    }
  }
  return items.size();
}

// Yjs readUpdateV2. When the steps run out, what is left waits as if something was missing.
void Engine::apply_decoded(const DecodedUpdate& update) {
  const std::size_t placed = update.groups.size() == 1 && !update.groups.front().empty()
                                 ? apply_in_order(update.groups.front())
                                 : 0;
  const bool postponed = std::exchange(postponed_, false);
  bool retry = false;
  if (placed < update.structs.size()) {
    Integration integration(*this, update, placed);
    postponed_ = !integration.run();
    retry = !postponed_ && (postponed || should_retry());
    park(integration.rest());
  } else {
    retry = postponed || should_retry();
  }
  if (update.deletes.empty() && pending_deletes_.empty() && !retry) {
    return;
  }
  WireDeletes rest = apply_deletes(update.deletes);
  while (true) {
    if (!pending_deletes_.empty()) {
      for (auto& [client, ranges] : apply_deletes(std::exchange(pending_deletes_, {}))) {
        auto& all = rest[client];
        all.insert(all.end(), ranges.begin(), ranges.end());
        normalise(all);
      }
    }
    pending_deletes_ = std::exchange(rest, {});
    if (!retry) {
      return;
    }
    compact_pending();
    const Bytes parked = pending_.empty() ? Bytes{0, 0} : std::move(pending_.front());
    pending_.clear();
    pending_bytes_ = pending_compacted_bytes_ = 0;
    missing_.clear();
    const auto again = decode_update(parked);
    if (VIVIM_BUG(!again.has_value())) {
      return;
    }
    Integration more(*this, *again, 0);
    postponed_ = !more.run();
    park(more.rest());
    retry = !postponed_ && should_retry();
  }
}

// Who must be heard first, by Yjs Item.getMissing.
std::optional<std::uint64_t> Engine::missing_client(const WireStruct& item) const {
  const auto missing = [&](const Id& id) {
    const std::uint64_t client = value_of(id.client);
    return client != item.client && id.clock >= state_of(client);
  };
  if (item.has_origin && missing(item.origin)) {
    return value_of(item.origin.client);
  }
  if (item.has_right_origin && missing(item.right_origin)) {
    return value_of(item.right_origin.client);
  }
  if (item.parent == ParentRef::item && missing(item.parent_item)) {
    return value_of(item.parent_item.client);
  }
  return std::nullopt;
}

// Whether `wire` would be a type further down than types may be.
bool Engine::too_deep(const WireStruct& wire) {
  if (wire.kind != Kind::type) {
    return false;
  }
  TypeRef parent = k_none;
  if (wire.parent == ParentRef::item) {
    const Item& holder = items_[item_at(dense(wire.parent_item))];
    parent = holder.kind() == Kind::type ? holder.content : k_none;
  } else if (wire.parent == ParentRef::from_neighbour) {
    parent =
        items_.parent(items_[item_at(dense(wire.has_origin ? wire.origin : wire.right_origin))]);
  }
  return parent != k_none && types_[parent].depth >= k_nesting_max;
}

void Engine::integrate_wire(const WireStruct& wire, std::uint32_t offset) {
  const ClientIndex client = client_index(wire.client);
  if (offset == 0 && place(client, wire)) {
    return;
  }
  const ItemRef ref = items_.make();
  Item& item = items_[ref];
  Shape shape{.client = client};
  item.clock = static_cast<std::uint32_t>(wire.clock) + offset;
  item.len = static_cast<std::uint32_t>(wire.len) - offset;
  item.set_kind(wire.kind);
  if (wire.kind != Kind::gc) {
    resolve(wire, item, shape);
    if (offset > 0) {
      item.set_left(clean_end({client, item.clock - 1}));
      item.origin_clock = item.clock - 1;
      shape.origin = client;
      // What follows it in its struct stands where it stands. If not, a client has made two things
      // of one id: this one is kept as a gap, for no order would be the same everywhere.
      const Item& first_part = items_[item.left()];
      if (first_part.kind() == Kind::gc || items_.parent(first_part) != shape.parent ||
          items_.key(first_part) != shape.key) {
        shape.parent = k_none;
      }
    }
    if (shape.parent != k_none) {
      fill_content(item, wire, offset);
    }
  }
  items_.set_shape(item, shape);
  integrate(ref);
}

// Whether `wire` is what its writer typed on.
bool Engine::extend_remote(ClientIndex client, const WireStruct& wire) {
  if (!wire.has_origin || value_of(wire.origin.client) != wire.client ||
      wire.origin.clock + 1 != wire.clock) {
    return false;
  }
  const DenseId right = wire.has_right_origin ? dense(wire.right_origin) : DenseId{};
  return extend(client, right, as_text(wire.content), wire.len);
}

// Finds the neighbours, cutting runs where needed, and the parent; without a parent the item will
// be a GC struct.
void Engine::resolve(const WireStruct& wire, Item& item, Shape& shape) {
  if (wire.has_origin) {
    const DenseId origin = dense(wire.origin);
    shape.origin = origin.client;
    item.origin_clock = origin.clock;
    item.set_left(clean_end(origin));
  }
  if (wire.has_right_origin) {
    const DenseId origin = dense(wire.right_origin);
    shape.right_origin = origin.client;
    item.right_origin_clock = origin.clock;
    item.set_right(clean_start(origin));
  }
  const bool collected = (item.left() != k_none && items_[item.left()].kind() == Kind::gc) ||
                         (item.right() != k_none && items_[item.right()].kind() == Kind::gc);
  if (!collected) {
    resolve_parent(wire, item, shape);
  }
}

// Yjs looks for the neighbours of what it knows already, too, and cuts there: halves of a surrogate
// pair become U+FFFD, and what the cut leaves behind is merged in its order.
void Engine::cut_at_origins(const WireStruct& wire) {
  if (wire.has_origin) {
    clean_end(dense(wire.origin));
  }
  if (wire.has_right_origin) {
    clean_start(dense(wire.right_origin));
  }
}

void Engine::resolve_parent(const WireStruct& wire, const Item& item, Shape& shape) {
  switch (wire.parent) {
    case ParentRef::from_neighbour: {
      const Item& neighbour = items_[item.left() != k_none ? item.left() : item.right()];
      shape.parent = items_.parent(neighbour);
      shape.key = items_.key(neighbour);
      return;
    }
    case ParentRef::root:
      shape.parent = root(wire.root, TypeKind::unknown);
      break;
    case ParentRef::item: {
      const Item& parent = items_[item_at(dense(wire.parent_item))];
      if (parent.kind() == Kind::type) {
        shape.parent = parent.content;
      }
      break;
    }
  }
  if (wire.has_key) {
    shape.key = keys_.intern(wire.key);
  }
}

void Engine::fill_content(Item& item, const WireStruct& wire, std::uint32_t offset) {
  switch (wire.kind) {
    case Kind::string: {
      const Utf8Position at = utf8_position(as_text(wire.content), offset);
      const std::string_view tail = as_text(wire.content).substr(at.offset);
      if (at.inside_pair) {  // the other half is ours already: U+FFFD on both sides
        items_.set_text(item, "\xef\xbf\xbd" + std::string(tail), item.len);
      } else {
        items_.set_text(item, tail, item.len);
      }
      return;
    }
    case Kind::json:
    case Kind::any:
      items_.set_bytes(item, wire.content.subspan(element_offset(wire.kind, wire.content, offset)));
      return;
    case Kind::type: {
      const TypeRef type = make_type(wire.type);
      types_[type].name = to_bytes(wire.content);
      item.content = type;
      return;
    }
    case Kind::deleted:
      return;
    default:
      items_.set_bytes(item, wire.content);
  }
}

// Whether many ranges are all that is deleted already: what was deleted comes so, and then named
// again.
bool Engine::all_deleted(std::uint64_t client, const std::vector<ClockRange>& ranges) {
  constexpr std::size_t k_many = 64;
  const ClientIndex index = ranges.size() < k_many ? k_none : find_client(client);
  if (index == k_none) {
    return false;
  }
  normalise(clients_[index].deleted);
  return clients_[index].deleted == ranges;
}

// Deletes what is known and returns the rest.
WireDeletes Engine::apply_deletes(const WireDeletes& deletes) {
  WireDeletes rest;
  for (const auto& [client, ranges] : deletes) {
    const std::uint64_t state = state_of(client);
    if (all_deleted(client, ranges)) {
      continue;
    }
    for (const ClockRange& range : ranges) {
      if (--steps_left_ < 0) {
        postponed_ = true;
        rest[client].push_back(range);
        continue;
      }
      if (range.from < state) {
        apply_range(client_index(client), {range.from, std::min(range.to, state)});
      }
      if (range.to > state) {
        rest[client].push_back({std::max(range.from, state), range.to});
      }
    }
  }
  return rest;
}

void Engine::apply_range(ClientIndex client, ClockRange range) {
  const RunList& runs = clients_[client].runs;
  const auto from = static_cast<std::uint32_t>(range.from);
  const auto to = static_cast<std::uint32_t>(range.to);
  auto position = runs.find(items_, from);
  if (const Item& first = items_[runs.at(position)]; !first.deleted() && first.clock < from) {
    split(client, position, from - first.clock);
    position = runs.find(items_, from);
  }
  while (true) {
    const ItemRef ref = runs.at(position);
    const Item& item = items_[ref];
    if (item.clock >= to) {
      return;
    }
    if (!item.deleted()) {
      if (to < item.end()) {
        split(client, position, to - item.clock);
        position = runs.find(items_, item.clock);
      }
      erase(ref);
    }
    if (runs.is_last(position)) {
      return;
    }
    position = runs.next(position);
  }
}

void Engine::note_missing(std::uint64_t client, std::uint64_t clock) {
  const auto [it, fresh] = missing_.emplace(client, clock);
  if (!fresh) {
    it->second = std::min(it->second, clock);
  }
}

bool Engine::should_retry() const {
  return !pending_.empty() && std::ranges::any_of(missing_, [&](const auto& entry) {
    return entry.second < state_of(entry.first);
  });
}

void Engine::park(Bytes update) {
  if (update.empty()) {
    return;
  }
  pending_bytes_ += update.size();
  pending_.push_back(std::move(update));
  constexpr std::size_t k_small = 4096;
  if (pending_bytes_ > 2 * pending_compacted_bytes_ + k_small && pending_.size() > 64) {
    compact_pending();
  }
}

Bytes Engine::parked_structs() const {
  const std::vector<BytesView> views(pending_.begin(), pending_.end());
  auto merged = pending_.empty() ? Result<Bytes>(Bytes()) : merge_updates(views);
  return VIVIM_BUG(!merged.has_value()) ? Bytes() : std::move(*merged);
}

Bytes Engine::parked_deletes() const {
  UpdateEncoderV1 out;
  out.rest().var_uint(0);
  write_deletes(out, pending_deletes_);
  return out.take();
}

// Makes one update of all that is parked; what came more than once is kept once.
void Engine::compact_pending() {
  if (pending_.size() > 1) {
    const std::vector<BytesView> views(pending_.begin(), pending_.end());
    if (auto merged = merge_updates(views)) {
      pending_.clear();
      pending_.push_back(std::move(*merged));
    }
  }
  pending_bytes_ = pending_.empty() ? 0 : pending_.front().size();
  pending_compacted_bytes_ = pending_bytes_;
}

// Whether some part of `update` has to wait, as far as one pass over it can tell.
bool Engine::would_park(const DecodedUpdate& update) const {
  std::unordered_map<std::uint64_t, std::uint64_t> reach;
  for (const auto& group : update.groups) {
    std::uint64_t end = group.empty() ? 0 : state_of(group.front().client);
    for (const WireStruct& item : group) {
      if (item.clock > end) {
        return true;
      }
      end = std::max(end, item.kind == Kind::skip ? end : item.end());
    }
    if (!group.empty()) {
      reach[group.front().client] = end;
    }
  }
  const auto known = [&](const Id& id) {
    const auto it = reach.find(value_of(id.client));
    return id.clock < (it == reach.end() ? state_of(value_of(id.client)) : it->second);
  };
  for (const auto& group : update.groups) {
    for (const WireStruct& item : group) {
      if ((item.has_origin && !known(item.origin)) ||
          (item.has_right_origin && !known(item.right_origin)) ||
          (item.parent == ParentRef::item && !known(item.parent_item))) {
        return true;
      }
    }
  }
  return std::ranges::any_of(update.deletes, [&](const auto& entry) {
    return !known({ClientId{entry.first}, entry.second.back().to - 1});
  });
}

Result<void> Engine::check_room(const DecodedUpdate& update, std::size_t bytes) {
  const auto in_use = [&] {
    std::size_t ranges = 0;
    for (const auto& [client, parked] : pending_deletes_) {
      ranges += 4 + parked.size();
    }
    return pending_bytes_ + ranges * sizeof(ClockRange);
  };
  // Each struct may cut two runs, each deletion too.
  std::size_t items = items_.capacity() + 3 * update.structs.size();
  for (const auto& [client, ranges] : update.deletes) {
    items += 2 * ranges.size();
  }
  if (items > k_items_max) {
    return fail(CrdtError::too_many, items);
  }
  if (!has_pending() || in_use() + bytes <= k_pending_bytes_max || !would_park(update)) {
    return {};
  }
  compact_pending();
  if (in_use() + bytes > k_pending_bytes_max) {
    return fail(CrdtError::too_much_pending, in_use());
  }
  return {};
}

}  // namespace vivim::crdt::detail
