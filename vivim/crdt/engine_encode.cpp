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
Bytes Engine::encode(const StateVector& known) const {
  std::vector<std::pair<std::uint64_t, ClientIndex>> order;
  for (ClientIndex i = 0; i < clients_.size(); ++i) {
    const auto it = known.find(ClientId{clients_[i].id});
    if (clients_[i].state > (it == known.end() ? 0 : it->second)) {
      order.emplace_back(clients_[i].id, i);
    }
  }
  std::ranges::sort(order, std::greater<>());
  lib0::Encoder out;
  out.var_uint(order.size());
  for (const auto& [id, index] : order) {
    const auto it = known.find(ClientId{id});
    const std::uint64_t from = it == known.end() ? 0 : it->second;
    write_runs(out, clients_[index], static_cast<std::uint32_t>(from));
  }
  write_deletes(out, deletes());
  if (!has_pending()) {
    return out.take();
  }
  std::vector<Bytes> parts{out.take()};
  if (!pending_deletes_.empty()) {
    out.bytes().clear();
    out.var_uint(0);
    write_deletes(out, pending_deletes_);
    parts.push_back(out.take());
  }
  const Bytes known_bytes = crdt::encode_state_vector(known);
  const std::vector<BytesView> parked_views(pending_.begin(), pending_.end());
  if (const auto parked = merge_updates(parked_views); parked && !pending_.empty()) {
    if (auto missing = diff_update(*parked, known_bytes)) {
      parts.push_back(std::move(*missing));
    }
  }
  const std::vector<BytesView> views(parts.begin(), parts.end());
  auto merged = merge_updates(views);
  return VIVIM_BUG(!merged.has_value()) ? std::move(parts.front()) : std::move(*merged);
}

void Engine::write_runs(lib0::Encoder& out, const Client& client, std::uint32_t from) const {
  const RunList& runs = client.runs;
  auto position = runs.find(from);
  std::size_t count = runs.count_from(position);
  out.var_uint(count);
  out.var_uint(client.id);
  out.var_uint(from);
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

void Engine::write_id(lib0::Encoder& out, DenseId id) const {
  out.var_uint(clients_[id.client].id);
  out.var_uint(id.clock);
}

void Engine::write_item(lib0::Encoder& out, const Item& item, std::uint32_t offset) const {
  if (item.kind == Kind::gc) {
    out.u8(0);
    out.var_uint(item.len - offset);
    return;
  }
  const DenseId origin = offset > 0 ? DenseId{item.client, item.clock + offset - 1} : item.origin;
  out.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(item.kind) |
                                   (origin.exists() ? k_info_origin : 0) |
                                   (item.right_origin.exists() ? k_info_right_origin : 0) |
                                   (item.key != k_none ? k_info_key : 0)));
  if (origin.exists()) {
    write_id(out, origin);
  }
  if (item.right_origin.exists()) {
    write_id(out, item.right_origin);
  }
  if (!origin.exists() && !item.right_origin.exists()) {
    const Type& parent = types_[item.parent];
    out.var_uint(parent.item == k_none ? 1 : 0);
    if (parent.item == k_none) {
      out.var_string(keys_.name(parent.root_name));
    } else {
      write_id(out, items_[parent.item].id());
    }
    if (item.key != k_none) {
      out.var_string(keys_.name(item.key));
    }
  }
  write_content(out, item, offset);
}

void Engine::write_content(lib0::Encoder& out, const Item& item, std::uint32_t offset) const {
  switch (item.kind) {
    case Kind::deleted:
      out.var_uint(item.len - offset);
      return;
    case Kind::string:
      item.content.write_text(out, offset);
      return;
    case Kind::json:
    case Kind::any: {
      const BytesView elements = item.content.bytes();
      out.var_uint(item.len - offset);
      out.raw(elements.subspan(element_offset(item.kind, elements, offset)));
      return;
    }
    case Kind::type: {
      const Type& type = types_[item.content.number()];
      out.var_uint(static_cast<std::uint64_t>(type.kind));
      out.raw(type.name.bytes());
      return;
    }
    default:
      out.raw(item.content.bytes());
  }
}

}  // namespace vivim::crdt::detail
