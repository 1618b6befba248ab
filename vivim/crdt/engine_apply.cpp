#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/engine_detail.hpp"
#include "vivim/crdt/group_writer_detail.hpp"
#include "vivim/crdt/struct_part_detail.hpp"

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
    GroupWriter<UpdateEncoderV1> out;
    std::size_t pieces_left = k_pieces_max;
    bool some = false;
    for (auto group = groups_.rbegin(); group != groups_.rend(); ++group) {
      if (group->parked_from == k_not_parked) {
        continue;
      }
      some = true;
      for (const WireStruct& item : group->items.subspan(group->parked_from)) {
        if (engine_.over_gaps()) {
          write_unknown(out, item, pieces_left);
        } else {
          out.write(item, 0);
        }
      }
    }
    return some ? out.finish({}) : Bytes();
  }
  /// Whether something of the client came and none of it was left over.
  bool took(std::uint64_t client) const {
    const auto it = std::ranges::lower_bound(groups_, client, {}, &Group::client);
    return it != groups_.end() && it->client == client && it->parked_from == k_not_parked;
  }

 private:
  static constexpr std::size_t k_not_parked = static_cast<std::size_t>(-1);
  /// How many pieces more than structs may be left over: a struct may meet many gaps.
  static constexpr std::size_t k_pieces_max = 256;
  struct Group {
    std::uint64_t client = 0;
    std::span<const WireStruct> items;
    std::size_t next = 0;
    std::uint64_t next_clock = 0;  ///< within the next, what comes of it: 0 for all
    std::size_t parked_from = k_not_parked;
    bool done() const { return parked_from != k_not_parked || next == items.size(); }
  };
  struct Pending {
    Group* group = nullptr;
    std::size_t index = 0;
    std::uint64_t from = 0;
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

  void push(Group& group) {
    stack_.push_back(
        {.group = &group, .index = group.next++, .from = std::exchange(group.next_clock, 0)});
  }

  // A struct needs more of `client`: that goes first, if `other` has it and is not through.
  void wait_for(std::uint64_t client, Group* other) {
    if (other == nullptr || other->done()) {
      engine_.note_missing(client, engine_.state_of(client));
      park_stack();
    } else {
      push(*other);
    }
  }

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
    if (engine_.over_gaps()) {
      step_over_gaps(head, item);
      return;
    }
    const std::uint64_t state = engine_.state_of(item.client);
    if (state < item.clock) {
      engine_.note_missing(item.client, item.clock - 1);
      park_stack();
      return;
    }
    if (const auto missing = engine_.missing_client(item)) {
      wait_for(*missing, find(*missing));
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

  // Yjs 14: of what comes only that counts which is not here, and it need not be what comes next of
  // its client.
  void step_over_gaps(const Pending& head, const WireStruct& item) {
    const ClockRange part =
        engine_.next_unknown(item.client, {std::max(head.from, item.clock), item.end()});
    if (part.from == part.to) {
      stack_.pop_back();
      return;
    }
    if (const auto missing = engine_.missing_client(item)) {
      Group* other = find(*missing);
      const bool waits = std::ranges::any_of(
          stack_, [&](const Pending& pending) { return pending.group == other; });
      wait_for(*missing, waits ? nullptr : other);
      return;
    }
    if (engine_.too_deep(item)) {
      park_stack();
      return;
    }
    engine_.integrate_part(item, part);
    if (part.to < item.end()) {
      head.group->next = head.index;
      head.group->next_clock = part.to;
    }
    stack_.pop_back();
  }

  // What is not here of `item`; in few pieces, or it is written whole.
  void write_unknown(GroupWriter<UpdateEncoderV1>& out, const WireStruct& item,
                     std::size_t& pieces_left) const {
    const auto write = [&](ClockRange part, Kind kind) {
      OwnedContent owned;
      WireStruct piece = part_of(item, part, owned);
      piece.kind = kind;
      out.write(piece, 0);
    };
    std::uint64_t at = item.clock;
    while (at < item.end() && item.kind != Kind::skip && pieces_left > 0) {
      const ClockRange part = engine_.next_unknown(item.client, {at, item.end()});
      if (part.from == item.clock && part.to == item.end()) {
        break;
      }
      pieces_left -= part.to < item.end() ? 1 : 0;
      if (at < part.from) {
        write({at, part.from}, Kind::skip);
      }
      if (part.from < part.to) {
        write(part, item.kind);
      }
      at = part.to;
    }
    if (at < item.end()) {
      write({at, item.end()}, item.kind);
    }
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
    if (clients_[client].runs.expecting()) {
      i += place_row(client, items.subspan(i));
      if (i == items.size()) {
        break;
      }
    }
    const WireStruct& item = items[i];
    const std::uint64_t state = clients_[client].state;
    if (state == item.clock && steps_left_ > 0 && place(client, item)) {
      --steps_left_;
      continue;
    }
    if (item.kind == Kind::skip || state < item.clock || (state > item.clock && over_gaps()) ||
        missing_client(item) || too_deep(item) || steps_left_ <= 0) {
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
  const auto waited_for = over_gaps() ? missing_ : decltype(missing_)();
  bool retry = false;
  if (placed < update.structs.size()) {
    Integration integration(*this, update, placed);
    postponed_ = !integration.run();
    retry = !postponed_ &&
            (postponed || should_retry() || std::ranges::any_of(waited_for, [&](const auto& entry) {
               return integration.took(entry.first);
             }));
    park(integration.rest());
  } else {
    retry = postponed || should_retry() ||
            (placed > 0 && waited_for.contains(update.structs.front().client));
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
    return over_gaps() ? !knows(id) : client != item.client && id.clock >= state_of(client);
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
      if (over_gaps()) {
        each_part(
            client, range, [&](ClockRange part) { apply_range(client_index(client), part); },
            [&](ClockRange part) { rest[client].push_back(part); });
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

}  // namespace vivim::crdt::detail
