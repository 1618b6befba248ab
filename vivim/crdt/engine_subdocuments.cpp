#include <algorithm>

#include "vivim/crdt/engine_detail.hpp"

// Documents within a document: the place, its name and options; what they hold is elsewhere
// (Yjs ContentDoc.js).
namespace vivim::crdt::detail {
namespace {

Any::Object encoded_options(const SubdocumentOptions& options) {
  Any::Object members;
  if (!options.collect_garbage) {
    members.emplace_back("gc", Any(false));
  }
  if (options.auto_load) {
    members.emplace_back("autoLoad", Any(true));
  }
  if (options.meta) {
    members.emplace_back("meta", *options.meta);
  }
  return members;
}

bool flag(const Any& options, std::string_view name, bool otherwise) {
  const Any* value = options.find(name);
  const bool* given = value == nullptr ? nullptr : value->if_bool();
  return given == nullptr ? otherwise : *given;
}

SubdocumentOptions decoded_options(BytesView content) {
  lib0::Decoder in(content);
  SubdocumentOptions options;
  options.guid = std::string(in.var_string().value_or(""));
  const Any members = in.any().value_or(Any());
  options.collect_garbage = flag(members, "gc", true);
  options.auto_load = flag(members, "autoLoad", false);
  if (const Any* meta = members.find("meta"); meta != nullptr && !meta->is_null()) {
    options.meta = *meta;
  }
  options.should_load = flag(members, "shouldLoad", false) || options.auto_load;
  return options;
}

}  // namespace

ItemRef Engine::make_document(const SubdocumentOptions& options) {
  const ItemRef fresh = make_local(Kind::doc, 1);
  lib0::Encoder content;
  content.var_string(options.guid);
  content.any(Any(encoded_options(options)));
  items_.set_bytes(items_[fresh], content.view());
  // Only who inserts it decides for this program; others go by what is written.
  subdocuments_[packed(items_.id(items_[fresh]))] = {
      .options = options, .item = fresh, .should_load = options.should_load};
  return fresh;
}

Id Engine::list_insert_document(TypeRef type, std::uint32_t index,
                                const SubdocumentOptions& options) {
  if (!alive(type)) {
    return {};
  }
  const ItemRef left = locate(type, index);
  const ItemRef right = left == k_none ? types_[type].start : items_[left].right();
  return wire_id(items_.id(items_[insert_local(type, left, right, make_document(options))]));
}

Id Engine::map_set_document(TypeRef type, std::string_view key, const SubdocumentOptions& options) {
  if (!alive(type)) {
    return {};
  }
  const KeyRef key_ref = keys_.intern(key);
  const ItemRef fresh = make_document(options);
  return wire_id(items_.id(
      items_[insert_local(type, types_[type].map.find(key_ref), k_none, fresh, key_ref)]));
}

void Engine::note_subdocument(ItemRef ref) {
  const Item& item = items_[ref];
  auto [it, fresh] = subdocuments_.try_emplace(packed(items_.id(item)));
  if (fresh) {
    it->second.options = decoded_options(items_.bytes(item));
    it->second.should_load = it->second.options.should_load;
    it->second.item = ref;
  }
  const Id id = wire_id(items_.id(item));
  current_->subdocuments_added.push_back(id);
  if (it->second.should_load) {
    current_->subdocuments_loaded.push_back(id);
  }
}

void Engine::forget_subdocument(ItemRef ref) {
  const Id id = wire_id(items_.id(items_[ref]));
  const auto at = std::ranges::find(current_->subdocuments_added, id);
  if (at != current_->subdocuments_added.end()) {
    current_->subdocuments_added.erase(at);
    current_->subdocuments_gone.push_back(id);
  } else {
    current_->subdocuments_removed.push_back(id);
  }
}

const SubdocumentEntry* Engine::subdocument(Id id) const {
  const auto client = client_indexes_.find(value_of(id.client));
  if (client == client_indexes_.end()) {
    return nullptr;
  }
  const auto it =
      subdocuments_.find(packed({client->second, static_cast<std::uint32_t>(id.clock)}));
  return it == subdocuments_.end() ? nullptr : &it->second;
}

void Engine::load_subdocument(Id id) {
  const SubdocumentEntry* entry = subdocument(id);
  if (entry == nullptr || entry->should_load) {
    return;
  }
  subdocuments_[packed(dense(id))].should_load = true;
  transact([&](Transaction&) { current_->subdocuments_loaded.push_back(id); }, {});
}

void Engine::unload_subdocument(Id id) {
  if (subdocument(id) == nullptr) {
    return;
  }
  subdocuments_[packed(dense(id))].should_load = false;
  transact(
      [&](Transaction&) {
        current_->subdocuments_added.push_back(id);
        current_->subdocuments_removed.push_back(id);
      },
      {});
}

std::vector<Subdocument> Engine::subdocuments() {
  std::vector<Subdocument> all;
  for (const auto& [id, entry] : subdocuments_) {
    if (!entry.leaving) {
      all.push_back(Subdocument(*this, wire_id(items_.id(items_[entry.item]))));
    }
  }
  return all;
}

void Engine::tell_subdocuments(TransactionState& state) {
  SubdocumentEvent event;
  const auto handles = [&](const std::vector<Id>& ids, std::vector<Subdocument>& out) {
    for (const Id& id : ids) {
      out.push_back(Subdocument(*this, id));
    }
  };
  handles(state.subdocuments_added, event.added);
  handles(state.subdocuments_removed, event.removed);
  handles(state.subdocuments_loaded, event.loaded);
  if (!event.added.empty() || !event.removed.empty() || !event.loaded.empty()) {
    subdocument_observers_.notify(event);
  }
  for (const Id& id : state.subdocuments_gone) {
    subdocuments_.erase(packed(dense(id)));
  }
  for (const Id& id : state.subdocuments_removed) {
    if (std::ranges::find(state.subdocuments_added, id) == state.subdocuments_added.end()) {
      let_go(id);
    }
  }
}

// As in Yjs a document whose place is gone is told of once more, in a transaction of its own: that
// one ends it.
void Engine::let_go(Id id) {
  const auto it = subdocuments_.find(packed(dense(id)));
  if (it == subdocuments_.end()) {
    return;
  }
  if (it->second.leaving) {
    subdocuments_.erase(it);
    return;
  }
  it->second.leaving = true;
  transact([&](Transaction&) { current_->subdocuments_removed.push_back(id); }, {});
}

}  // namespace vivim::crdt::detail
