#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/engine_detail.hpp"

namespace vivim::crdt::detail {

StateVector Engine::state_vector() const {
  StateVector state;
  for (const Client& client : clients_) {
    if (client.state > 0) {
      state.emplace(ClientId{client.id}, client.state);
    }
  }
  return state;
}

WireDeletes Engine::deletes() const {
  WireDeletes deletes;
  for (const Client& client : clients_) {
    if (!client.deleted.empty()) {
      normalise(client.deleted);
      deletes[client.id] = client.deleted;
    }
  }
  return deletes;
}

// Yjs encodeStateAsUpdate: clients from the highest id down, each from where `known` ends, then
// every deletion.
Bytes Engine::encode(const StateVector& known, UpdateFormat format) const {
  const auto write = [&](auto out) {
    write_state(out, known);
    return out.take();
  };
  Bytes state = format == UpdateFormat::v1 ? write(UpdateEncoderV1()) : write(UpdateEncoderV2());
  return has_pending() ? with_pending(std::move(state), known, format) : state;
}

template <class Out>
void Engine::write_state(Out& out, const StateVector& known) const {
  std::vector<std::pair<std::uint64_t, ClientIndex>> order;
  for (ClientIndex i = 0; i < clients_.size(); ++i) {
    const auto it = known.find(ClientId{clients_[i].id});
    if (clients_[i].state > (it == known.end() ? 0 : it->second)) {
      order.emplace_back(clients_[i].id, i);
    }
  }
  std::ranges::sort(order, std::greater<>());
  out.rest().var_uint(order.size());
  for (const auto& [id, index] : order) {
    const auto it = known.find(ClientId{id});
    const std::uint64_t from = it == known.end() ? 0 : it->second;
    write_runs(out, clients_[index], static_cast<std::uint32_t>(from));
  }
  write_deletes(out, deletes());
}

// `state` and what is parked, as one update.
Bytes Engine::with_pending(Bytes state, const StateVector& known, UpdateFormat format) const {
  std::vector<UpdatePart> parts{{.bytes = std::move(state), .format = format}};
  if (!pending_deletes_.empty()) {
    parts.push_back({.bytes = parked_deletes(), .format = UpdateFormat::v1});
  }
  const auto parked = parked_structs();
  if (!parked.empty()) {
    if (auto missing = diff_update(parked, crdt::encode_state_vector(known))) {
      parts.push_back({.bytes = std::move(*missing), .format = UpdateFormat::v1});
    }
  }
  auto merged = merge_parts(parts, format);
  return VIVIM_BUG(!merged.has_value()) ? std::move(parts.front().bytes) : std::move(*merged);
}

// What a transaction changed, as its update event.
Bytes Engine::encode_event(const TransactionState& state, UpdateFormat format) const {
  const auto write = [&](auto out) {
    write_transaction(out, state);
    return out.take();
  };
  return format == UpdateFormat::v1 ? write(UpdateEncoderV1()) : write(UpdateEncoderV2());
}

template <class Out>
void Engine::write_transaction(Out& out, const TransactionState& state) const {
  std::vector<std::pair<std::uint64_t, ClientIndex>> order;
  for (const ClientIndex client : state.touched) {
    if (clients_[client].state > before(state, client)) {
      order.emplace_back(clients_[client].id, client);
    }
  }
  std::ranges::sort(order, std::greater<>());
  out.rest().var_uint(order.size());
  for (const auto& [id, client] : order) {
    write_runs(out, clients_[client], before(state, client));
  }
  WireDeletes deleted;
  for (const auto& [client, ranges] : state.deleted) {
    deleted[clients_[client].id] = ranges;
  }
  write_deletes(out, deleted);
}

// Yjs createDocFromSnapshot. The cuts are healed when the transaction ends.
Result<Bytes> Engine::encode_version(const StateVector& state, const WireDeletes& deleted) {
  const auto known = [&](const auto& entry) {
    return entry.second <= state_of(value_of(entry.first));
  };
  if (options_.collect_garbage || !std::ranges::all_of(state, known)) {
    return fail(CrdtError::not_restorable);
  }
  TransactionState& transaction = begin({}, true);
  UpdateEncoderV1 out;
  out.rest().var_uint(static_cast<std::uint64_t>(
      std::ranges::count_if(state, [](const auto& entry) { return entry.second > 0; })));
  for (const auto& [id, clock] : state) {
    if (clock > 0) {
      write_runs_until(out, client_index(value_of(id)), static_cast<std::uint32_t>(clock));
    }
  }
  write_deletes(out, deleted);
  end(transaction);
  return out.take();
}

void Engine::write_runs_until(UpdateEncoderV1& out, ClientIndex client, std::uint32_t end) {
  if (end < clients_[client].state) {
    clean_start({client, end});
  }
  const RunList& runs = clients_[client].runs;
  const auto last = runs.find(end - 1);
  std::size_t count = runs.size() - runs.count_from(last) + 1;
  out.rest().var_uint(count);
  out.client(clients_[client].id);
  out.rest().var_uint(0);
  for (auto position = runs.find(0);; position = runs.next(position)) {
    write_item(out, items_[runs.at(position)], 0);
    if (--count == 0) {
      return;
    }
  }
}

template <class Out>
void Engine::write_runs(Out& out, const Client& client, std::uint32_t from) const {
  const RunList& runs = client.runs;
  auto position = runs.find(from);
  std::size_t count = runs.count_from(position);
  out.rest().var_uint(count);
  out.client(client.id);
  out.rest().var_uint(from);
  std::uint32_t offset = from - items_[runs.at(position)].clock;
  while (true) {
    write_item(out, items_[runs.at(position)], offset);
    offset = 0;
    if (--count == 0) {
      return;
    }
    position = runs.next(position);
  }
}

template <class Out>
void Engine::write_item(Out& out, const Item& item, std::uint32_t offset) const {
  if (item.kind == Kind::gc) {
    out.info(0);
    out.len(item.len - offset);
    return;
  }
  const DenseId origin = offset > 0 ? DenseId{item.client, item.clock + offset - 1} : item.origin;
  out.info(static_cast<std::uint8_t>(static_cast<std::uint8_t>(item.kind) |
                                     (origin.exists() ? k_info_origin : 0) |
                                     (item.right_origin.exists() ? k_info_right_origin : 0) |
                                     (item.key != k_none ? k_info_key : 0)));
  if (origin.exists()) {
    out.left_id(clients_[origin.client].id, origin.clock);
  }
  if (item.right_origin.exists()) {
    out.right_id(clients_[item.right_origin.client].id, item.right_origin.clock);
  }
  if (!origin.exists() && !item.right_origin.exists()) {
    const Type& parent = types_[item.parent];
    out.parent_info(parent.item == k_none ? 1 : 0);
    if (parent.item == k_none) {
      out.string(keys_.name(parent.root_name));
    } else {
      const DenseId id = items_[parent.item].id();
      out.left_id(clients_[id.client].id, id.clock);
    }
    if (item.key != k_none) {
      out.string(keys_.name(item.key));
    }
  }
  write_content(out, item, offset);
}

template <class Out>
void Engine::write_content(Out& out, const Item& item, std::uint32_t offset) const {
  switch (item.kind) {
    case Kind::deleted:
      out.len(item.len - offset);
      return;
    case Kind::string:
      item.content.write_text(out, offset);
      return;
    case Kind::json:
    case Kind::any:
      write_elements(out, item.kind, item.content.bytes(), item.len, offset);
      return;
    case Kind::type: {
      const Type& type = types_[item.content.number()];
      write_unit_content(out, item.kind, type.kind, type.name.bytes());
      return;
    }
    default:
      write_unit_content(out, item.kind, TypeKind::unknown, item.content.bytes());
  }
}

}  // namespace vivim::crdt::detail
