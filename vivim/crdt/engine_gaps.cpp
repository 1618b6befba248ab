#include <algorithm>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/engine_detail.hpp"
#include "vivim/crdt/struct_part_detail.hpp"

// GapMode::v14: a struct whose client's earlier ones have not come is integrated all the same. What
// has not come stands among the client's runs as an item of Kind::skip, which no list has, until it
// is filled.
namespace vivim::crdt::detail {
namespace {

constexpr auto range_client = [](const ClientRanges& ranges) { return ranges.first; };

}  // namespace

void RangesByClient::add(ClientIndex client, std::uint32_t clock, std::uint32_t len) {
  std::uint32_t slot = slots_.find(all_, client, range_client);
  if (slot == k_none) {
    slot = static_cast<std::uint32_t>(all_.size());
    all_.emplace_back(client, std::vector<ClockRange>());
    slots_.added(all_, range_client);
  }
  add_range(all_[slot].second, clock, len);
}

const std::vector<ClockRange>* RangesByClient::find(ClientIndex client) const {
  const std::uint32_t slot = slots_.find(all_, client, range_client);
  return slot == k_none ? nullptr : &all_[slot].second;
}

bool RangesByClient::contains(DenseId id) {
  const std::uint32_t slot = slots_.find(all_, id.client, range_client);
  if (slot == k_none) {
    return false;
  }
  auto& ranges = all_[slot].second;
  normalise(ranges);
  const auto after = std::ranges::upper_bound(ranges, id.clock, {}, &ClockRange::from);
  return after != ranges.begin() && id.clock < std::prev(after)->to;
}

GapChanges& Engine::gap_changes() {
  if (!current_->gaps) {
    current_->gaps = std::make_unique<GapChanges>();
  }
  return *current_->gaps;
}

bool Engine::knows(const Id& id) const {
  const ClientIndex client = find_client(value_of(id.client));
  return client != k_none && id.clock < clients_[client].state &&
         !in_gap({client, static_cast<std::uint32_t>(id.clock)});
}

ClockRange Engine::next_unknown(std::uint64_t id, ClockRange range) const {
  const ClientIndex index = find_client(id);
  if (index == k_none) {
    return range;
  }
  const Client& client = clients_[index];
  if (client.gaps > 0 && range.from < client.state) {
    const RunList& runs = client.runs;
    auto position = runs.find(items_, static_cast<std::uint32_t>(range.from));
    while (true) {
      --steps_left_;
      const Item& item = items_[runs.at(position)];
      if (item.clock >= range.to) {
        return {range.to, range.to};
      }
      if (item.kind() == Kind::skip) {
        return {std::max<std::uint64_t>(range.from, item.clock),
                std::min<std::uint64_t>(range.to, item.end())};
      }
      if (runs.is_last(position)) {
        break;
      }
      position = runs.next(position);
    }
  }
  return {std::clamp<std::uint64_t>(client.state, range.from, range.to), range.to};
}

WireDeletes Engine::gaps() const {
  WireDeletes gaps;
  for (const Client& client : clients_) {
    if (client.gaps == 0) {
      continue;
    }
    auto& ranges = gaps[client.id];
    client.runs.each_from(client.runs.find(items_, client.first_gap), [&](ItemRef ref) {
      if (const Item& item = items_[ref]; item.kind() == Kind::skip) {
        ranges.push_back({item.clock, item.end()});
      }
    });
  }
  return gaps;
}

// What comes next of the client begins at `to`.
void Engine::leave_gap(ClientIndex index, std::uint32_t to) {
  touch(index);
  Client& client = clients_[index];
  const ItemRef ref = items_.make();
  Item& gap = items_[ref];
  gap.clock = client.state;
  gap.len = to - client.state;
  gap.set_kind(Kind::skip);
  items_.set_shape(gap, {.client = index});
  if (client.state == 0) {
    client.arrival = ++arrivals_;
  }
  client.runs.push_back(ref, gap.clock, to);
  if (client.gaps++ == 0) {
    client.first_gap = gap.clock;
  }
  client.state = to;
  gap_changes().left_out.add(index, gap.clock, gap.len);
}

// Yjs StructStore.add: `ref` takes the place of a gap, or of a part of it.
void Engine::fill_gap(ClientIndex writer, ItemRef ref) {
  Client& client = clients_[writer];
  RunList& runs = client.runs;
  runs.forget();  // a run may go
  const Item& item = items_[ref];
  auto position = runs.find(items_, item.clock);
  const ItemRef gap_ref = runs.at(position);
  Item& gap = items_[gap_ref];
  VIVIM_ASSERT(gap.kind() == Kind::skip && item.clock >= gap.clock && item.end() <= gap.end());
  gap_changes().filled.add(writer, item.clock, item.len);
  const std::uint32_t gap_end = gap.end();
  const bool at_begin = item.clock == gap.clock;
  ItemRef behind = k_none;  // the part of the gap that is left behind it
  if (item.end() < gap_end) {
    behind = at_begin ? gap_ref : items_.make();
  }
  if (at_begin) {
    runs.replace(position, ref);
  } else {
    gap.len = item.clock - gap.clock;
    position = runs.insert_after(items_, position, ref);
  }
  if (behind != k_none) {
    Item& rest = items_[behind];
    rest.clock = item.end();
    rest.len = gap_end - item.end();
    rest.set_kind(Kind::skip);
    items_.set_shape(rest, {.client = writer});
    position = runs.insert_after(items_, position, behind);
    client.gaps += at_begin ? 0 : 1;
  } else if (at_begin) {
    items_.release(gap_ref);
    --client.gaps;
  }
  if (at_begin && client.first_gap == item.clock && client.gaps > 0) {
    while (items_[runs.at(position)].kind() != Kind::skip) {
      position = runs.next(position);
    }
    client.first_gap = items_[runs.at(position)].clock;
  }
}

std::vector<ClockRange> Engine::inserted(const TransactionState& state, ClientIndex client,
                                         std::uint32_t before, std::uint32_t after) const {
  std::vector<ClockRange> parts;
  std::uint64_t from = before;
  const auto add = [&](std::uint64_t to) {
    if (from < to) {
      parts.push_back({from, to});
    }
  };
  if (state.gaps) {
    if (const auto* left_out = state.gaps->left_out.find(client)) {
      for (const ClockRange& range : *left_out) {
        add(range.from);
        from = range.to;
      }
    }
  }
  add(after);
  if (state.gaps) {
    if (const auto* filled = state.gaps->filled.find(client)) {
      parts.insert(parts.end(), filled->begin(), filled->end());
      normalise(parts);
    }
  }
  return parts;
}

// Whether the first part of `wire`, which came before, stands where `wire` says. If not, a client
// has made two things of one id.
bool Engine::stands_with_its_begin(const WireStruct& wire, std::uint64_t clock) {
  Item beside;
  Shape shape;
  if (wire.has_origin) {
    beside.set_left(item_at(dense(wire.origin)));
  }
  if (wire.has_right_origin) {
    beside.set_right(item_at(dense(wire.right_origin)));
  }
  resolve_parent(wire, beside, shape);
  const Item& before =
      items_[item_at({client_index(wire.client), static_cast<std::uint32_t>(clock - 1)})];
  return items_.parent(before) == shape.parent && items_.key(before) == shape.key;
}

// Integrates the part of `wire` that is `part`: it is not here, and what it refers to is.
void Engine::integrate_part(const WireStruct& wire, ClockRange part) {
  const ClientIndex client = client_index(wire.client);
  if (part.from > clients_[client].state) {
    leave_gap(client, static_cast<std::uint32_t>(part.from));
  }
  const bool whole = part.from == wire.clock && part.to == wire.end();
  if (whole) {
    if (part.from < clients_[client].state) {
      integrate_in_full(wire, 0);
    } else {
      integrate_wire(wire, 0);
    }
    return;
  }
  steps_left_ -= static_cast<std::int64_t>(wire.content.size() >> 4);
  OwnedContent owned;
  WireStruct cut = part_of(wire, part, owned);
  if (part.from > wire.clock && wire.kind != Kind::gc && !stands_with_its_begin(wire, part.from)) {
    cut = {.client = cut.client, .clock = cut.clock, .len = cut.len, .kind = Kind::gc};
  }
  integrate_in_full(cut, 0);
}

// would_park() of a document that integrates over gaps, as far as one pass can tell.
bool Engine::would_park_over_gaps(const DecodedUpdate& update) const {
  std::unordered_map<std::uint64_t, std::span<const WireStruct>> groups;
  for (const auto& group : update.groups) {
    if (!group.empty()) {
      groups.emplace(group.front().client, group);
    }
  }
  const auto comes = [&](const Id& id) {
    const auto group = groups.find(value_of(id.client));
    if (group == groups.end()) {
      return false;
    }
    const auto after = std::ranges::upper_bound(group->second, id.clock, {}, &WireStruct::clock);
    return after != group->second.begin() && id.clock < std::prev(after)->end() &&
           std::prev(after)->kind != Kind::skip;
  };
  const auto lacks = [&](const Id& id) { return !knows(id) && !comes(id); };
  for (const auto& group : update.groups) {
    for (const WireStruct& item : group) {
      if ((item.has_origin && lacks(item.origin)) ||
          (item.has_right_origin && lacks(item.right_origin)) ||
          (item.parent == ParentRef::item && lacks(item.parent_item))) {
        return true;
      }
    }
  }
  return std::ranges::any_of(update.deletes, [&](const auto& entry) {
    const ClientId client{entry.first};
    return std::ranges::any_of(entry.second, [&](const ClockRange& range) {
      bool waits = false;
      each_part(
          entry.first, range, [](ClockRange) {},
          [&](ClockRange part) {
            waits = waits || !comes({client, part.from}) || !comes({client, part.to - 1});
          });
      return waits;
    });
  });
}

/// How far the elements of an item have been read: what is written of it comes in order.
struct Engine::Elements {
  const Item* item = nullptr;
  std::uint64_t clock = 0;
  std::size_t bytes = 0;

  BytesView take(const Item& from, BytesView all, ClockRange part) {
    if (item != &from) {
      *this = {.item = &from, .clock = from.clock, .bytes = 0};
    }
    bytes += element_offset(from.kind(), all.subspan(bytes), part.from - clock);
    const BytesView rest = all.subspan(bytes);
    const std::size_t size = element_offset(from.kind(), rest, part.to - part.from);
    clock = part.to;
    bytes += size;
    return rest.first(size);
  }
};

// The part of an item that ends before the item does.
template <class Out>
void Engine::write_part(Out& out, const Item& item, ClockRange part, Elements& elements) const {
  const auto from = static_cast<std::uint32_t>(part.from) - item.clock;
  const auto to = static_cast<std::uint32_t>(part.to) - item.clock;
  if (item.kind() == Kind::gc) {
    out.info(0);
    out.len(to - from);
    return;
  }
  write_place(out, item, from);
  if (item.kind() == Kind::string) {
    std::string text;
    items_.append_to(text, item, from, to);
    out.string(text, to - from);
  } else if (item.kind() == Kind::deleted) {
    out.len(to - from);
  } else {  // nothing else has a part
    write_elements(out, item.kind(), elements.take(item, items_.bytes(item), part), to - from, 0);
  }
}

// What is between the parts becomes Skip structs (Yjs 14 writeStructs).
template <class Out>
void Engine::write_parts(Out& out, ClientIndex client, const std::vector<ClockRange>& parts) const {
  const RunList& runs = clients_[client].runs;
  const auto each_run = [&](auto visit) {
    for (const ClockRange& part : parts) {
      auto position = runs.find(items_, static_cast<std::uint32_t>(part.from));
      for (std::uint64_t at = part.from; at < part.to;) {
        const Item& item = items_[runs.at(position)];
        const std::uint64_t end = std::min<std::uint64_t>(item.end(), part.to);
        visit(item, ClockRange{at, end});
        if (end < part.to) {
          position = runs.next(position);
        }
        at = end;
      }
    }
  };
  std::uint64_t count = parts.size() - 1;
  each_run([&](const Item&, ClockRange) { ++count; });
  out.rest().var_uint(count);
  out.client(clients_[client].id);
  out.rest().var_uint(parts.front().from);
  std::uint64_t clock = parts.front().from;
  Elements elements;
  each_run([&](const Item& item, ClockRange part) {
    if (part.from > clock) {
      out.info(static_cast<std::uint8_t>(Kind::skip));
      out.rest().var_uint(part.from - clock);
    }
    if (part.to == item.end()) {
      write_item(out, item, static_cast<std::uint32_t>(part.from) - item.clock);
    } else {
      write_part(out, item, part, elements);
    }
    clock = part.to;
  });
}

template void Engine::write_parts(UpdateEncoderV1&, ClientIndex,
                                  const std::vector<ClockRange>&) const;
template void Engine::write_parts(UpdateEncoderV2&, ClientIndex,
                                  const std::vector<ClockRange>&) const;

}  // namespace vivim::crdt::detail
