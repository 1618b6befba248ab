#include "vivim/base/assert.hpp"
#include "vivim/crdt/engine_detail.hpp"

namespace vivim::crdt::detail {

KeyRef KeyTable::intern(std::string_view key) {
  if (const auto it = refs_.find(key); it != refs_.end()) {
    return it->second;
  }
  const auto ref = static_cast<KeyRef>(names_.size());
  const auto it = refs_.emplace(std::string(key), ref).first;
  names_.push_back(&it->first);
  return ref;
}

KeyRef KeyTable::find(std::string_view key) const {
  const auto it = refs_.find(key);
  return it == refs_.end() ? k_none : it->second;
}

ItemRef KeyMap::find(KeyRef key) const {
  if (index_) {
    const auto it = index_->find(key);
    return it == index_->end() ? k_none : entries_[it->second].item;
  }
  for (const Entry& entry : entries_) {
    if (entry.key == key) {
      return entry.item;
    }
  }
  return k_none;
}

void KeyMap::set(KeyRef key, ItemRef item) {
  if (index_) {
    const auto [it, fresh] = index_->emplace(key, static_cast<std::uint32_t>(entries_.size()));
    if (!fresh) {
      entries_[it->second].item = item;
      return;
    }
  } else {
    for (Entry& entry : entries_) {
      if (entry.key == key) {
        entry.item = item;
        return;
      }
    }
  }
  entries_.push_back({.key = key, .item = item});
  if (!index_ && entries_.size() > k_scanned_max) {
    index_ = std::make_unique<std::unordered_map<KeyRef, std::uint32_t>>();
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
      index_->emplace(entries_[i].key, i);
    }
  }
}

void KeyMap::clear() {
  entries_ = std::vector<Entry>();  // and not {}, which keeps the room
  index_.reset();
}

Engine::Engine(ClientId client, DocOptions options) : client_(client), options_(options) {
  VIVIM_ASSERT(value_of(client) <= k_number_max);
  self_ = client_index(value_of(client));
  own_shape_ = items_.intern({.client = self_});
}

ClientIndex Engine::find_client(std::uint64_t id) const {
  ClientIndex& recent = recent_clients_[id % recent_clients_.size()];
  if (recent == k_none || clients_[recent].id != id) {
    const auto it = client_indexes_.find(id);
    if (it == client_indexes_.end()) {
      return k_none;
    }
    recent = it->second;
  }
  return recent;
}

ClientIndex Engine::client_index(std::uint64_t id) {
  if (const ClientIndex known = find_client(id); known != k_none) {
    return known;
  }
  const auto fresh = static_cast<ClientIndex>(clients_.size());
  client_indexes_.emplace(id, fresh);
  clients_.emplace_back(id);
  return fresh;
}

std::uint32_t Engine::state_of(std::uint64_t id) const {
  const ClientIndex client = find_client(id);
  return client == k_none ? 0 : clients_[client].state;
}

TypeRef Engine::make_type(TypeKind kind) {
  types_.emplace_back().kind = kind;
  return static_cast<TypeRef>(types_.size() - 1);
}

TypeRef Engine::root(std::string_view name, TypeKind kind) {
  const KeyRef key = keys_.intern(name);
  const auto [it, fresh] = roots_.emplace(key, k_none);
  if (fresh) {
    it->second = make_type(kind);
    types_[it->second].root_name = key;
    root_order_.push_back(it->second);
  }
  Type& type = types_[it->second];
  if (type.kind == TypeKind::unknown) {
    type.kind = kind;
  }
  return it->second;
}

std::vector<std::string> Engine::root_names() const {
  std::vector<std::string> names;
  names.reserve(root_order_.size());
  for (const TypeRef root : root_order_) {
    names.push_back(keys_.name(types_[root].root_name));
  }
  return names;
}

ItemRef Engine::item_at(DenseId id) const {
  return clients_[id.client].runs.item_at(items_, id.clock);
}

ItemRef Engine::clean_start(DenseId id) {
  const RunList& runs = clients_[id.client].runs;
  const RunList::Position position = runs.find(items_, id.clock);
  const ItemRef ref = runs.at(position);
  const Item& item = items_[ref];
  if (item.clock < id.clock && item.kind() != Kind::gc) {
    return split(id.client, position, id.clock - item.clock);
  }
  return ref;
}

ItemRef Engine::clean_end(DenseId id) {
  const RunList& runs = clients_[id.client].runs;
  const RunList::Position position = runs.find(items_, id.clock);
  const ItemRef ref = runs.at(position);
  const Item& item = items_[ref];
  if (id.clock + 1 != item.end() && item.kind() != Kind::gc) {
    split(id.client, position, id.clock - item.clock + 1);
  }
  return ref;
}

std::pair<ItemRef, std::uint32_t> Engine::follow_redone(DenseId id) const {
  while (true) {
    const ItemRef ref = item_at(id);
    const std::uint32_t offset = id.clock - items_[ref].clock;
    if (!items_[ref].redone()) {
      return {ref, offset};
    }
    const DenseId next = redone_.at(packed(items_.id(items_[ref])));
    id = {next.client, next.clock + offset};
  }
}

void Engine::add_run(ItemRef ref) {
  const Item& item = items_[ref];
  const ClientIndex writer = items_.client(item);
  if (queue_.size() != 1 || queue_.front()->touched.empty() ||
      queue_.front()->touched.back().client != writer) {
    touch(writer);
  }
  Client& client = clients_[writer];
  if (client.state != item.clock) {
    fill_gap(writer, ref);
    return;
  }
  if (client.state == 0) {
    client.arrival = ++arrivals_;
  }
  client.runs.push_back(ref, item.clock, item.end());
  client.state = item.end();
}

}  // namespace vivim::crdt::detail
