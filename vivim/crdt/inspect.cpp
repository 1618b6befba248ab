#include "vivim/crdt/inspect.hpp"

#include <algorithm>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/engine_detail.hpp"
#include "vivim/crdt/json_detail.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt {
namespace {

using detail::Kind;
using detail::WireStruct;

// Content that was checked when the update was decoded.
void read_values(StructInfo& info, const WireStruct& item) {
  lib0::Decoder in(item.content);
  const auto json = [&] {
    info.values.push_back(detail::parse_json(in.var_string().value_or("null")));
  };
  switch (item.kind) {
    case Kind::string:
      info.text = as_text(item.content);
      return;
    case Kind::any:
      for (std::uint64_t i = 0; i < item.len; ++i) {
        info.values.push_back(in.any().value_or(Any()));
      }
      return;
    case Kind::json:
      for (std::uint64_t i = 0; i < item.len; ++i) {
        json();
      }
      return;
    case Kind::binary:
      info.values.emplace_back(to_bytes(in.var_bytes().value_or(BytesView())));
      return;
    case Kind::embed:
      json();
      return;
    case Kind::format:
      info.text = in.var_string().value_or("");
      json();
      return;
    case Kind::doc:
      info.text = in.var_string().value_or("");
      info.values.push_back(in.any().value_or(Any()));
      return;
    case Kind::type:
      info.type = static_cast<std::uint8_t>(item.type);
      info.text = in.var_string().value_or("");
      return;
    default:
      return;
  }
}

StructInfo to_info(const WireStruct& item) {
  StructInfo info{.id = {.client = ClientId{item.client}, .clock = item.clock},
                  .len = item.len,
                  .kind = static_cast<StructKind>(item.kind)};
  if (item.kind == Kind::gc || item.kind == Kind::skip) {
    return info;
  }
  if (item.has_origin) {
    info.origin = item.origin;
  }
  if (item.has_right_origin) {
    info.right_origin = item.right_origin;
  }
  if (item.parent == detail::ParentRef::root) {
    info.parent = std::string(item.root);
  } else if (item.parent == detail::ParentRef::item) {
    info.parent = item.parent_item;
  }
  if (item.has_key) {
    info.key = std::string(item.key);
  }
  read_values(info, item);
  return info;
}

}  // namespace

Result<UpdateInfo> inspect_update(BytesView update, UpdateFormat format) {
  VIVIM_TRY(const detail::DecodedUpdate decoded, detail::decode_update(update, format));
  UpdateInfo info;
  for (const auto& group : decoded.groups) {
    for (const WireStruct& item : group) {
      info.structs.push_back(to_info(item));
    }
  }
  for (const auto& [client, ranges] : decoded.deletes) {
    info.deletes.emplace(ClientId{client}, ranges);
  }
  return info;
}

std::vector<StructInfo> structs(const Doc& doc) {
  return doc.engine().structs();
}

std::vector<StructInfo> detail::Engine::structs() const {
  std::vector<std::pair<std::uint64_t, ClientIndex>> order;
  for (ClientIndex i = 0; i < clients_.size(); ++i) {
    if (clients_[i].state > 0) {
      order.emplace_back(clients_[i].id, i);
    }
  }
  std::ranges::sort(order, std::greater<>());
  std::vector<StructInfo> all;
  for (const auto& [id, index] : order) {
    const RunList& runs = clients_[index].runs;
    auto position = runs.find(items_, 0);
    for (std::size_t count = runs.size(); count > 0; --count) {
      all.push_back(info(items_[runs.at(position)]));
      if (count > 1) {
        position = runs.next(position);
      }
    }
  }
  return all;
}

StructInfo detail::Engine::info(const Item& item) const {
  const auto id = [&](DenseId dense) -> std::optional<Id> {
    if (!dense.exists()) {
      return std::nullopt;
    }
    return Id{.client = ClientId{clients_[dense.client].id}, .clock = dense.clock};
  };
  StructInfo info{
      .id = *id(items_.id(item)), .len = item.len, .kind = static_cast<StructKind>(item.kind())};
  info.deleted = item.kind() == Kind::gc || item.deleted();
  if (item.kind() == Kind::gc || item.kind() == Kind::skip) {
    return info;
  }
  info.origin = id(items_.origin(item));
  info.right_origin = id(items_.right_origin(item));
  info.left = item.left() == k_none ? std::nullopt : id(items_.last_id(items_[item.left()]));
  info.right = item.right() == k_none ? std::nullopt : id(items_.id(items_[item.right()]));
  const Type& parent = types_[items_.parent(item)];
  if (parent.item == k_none) {
    info.parent = parent.root_name == k_none ? std::string() : keys_.name(parent.root_name);
  } else {
    info.parent = *id(items_.id(items_[parent.item]));
  }
  if (items_.key(item) != k_none) {
    info.key = keys_.name(items_.key(item));
  }
  return info;
}

}  // namespace vivim::crdt
