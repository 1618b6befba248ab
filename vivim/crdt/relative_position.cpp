#include "vivim/crdt/relative_position.hpp"

#include <cmath>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/engine_detail.hpp"

namespace vivim::crdt {

namespace detail {

/// The engine's side of relative positions (RelativePosition.js).
struct Positions {
  Engine& engine;

  RelativePosition make(TypeRef ref, std::optional<DenseId> item, std::int64_t assoc) const {
    RelativePosition position{.item = {}, .root = {}, .type = {}, .assoc = assoc};
    const Type& type = engine.types_[ref];
    if (item) {
      position.item = engine.wire_id(*item);
    }
    if (type.item != k_none) {
      position.type = engine.wire_id(engine.items_.id(engine.items_[type.item]));
    } else if (type.root_name != k_none) {
      position.root = engine.keys_.name(type.root_name);
    }
    return position;
  }

  RelativePosition at(TypeRef ref, std::uint32_t index, std::int64_t assoc) const {
    Type& type = engine.types_[ref];
    if (assoc < 0) {
      if (index == 0) {
        return make(ref, std::nullopt, assoc);
      }
      --index;
    }
    if (index < type.length) {
      const Engine::Place place = engine.seek(type, index + 1);
      const Item& item = engine.items_[place.item];
      return make(ref, DenseId{engine.items_.client(item), item.clock + (index - place.start)},
                  assoc);
    }
    if (assoc < 0 && type.tail != k_none) {
      return make(ref, engine.items_.last_id(engine.items_[type.tail]), assoc);
    }
    return make(ref, std::nullopt, assoc);
  }

  std::optional<DenseId> known(const Id& id) const {
    if (!engine.knows(id)) {
      return std::nullopt;
    }
    return DenseId{engine.client_indexes_.at(value_of(id.client)),
                   static_cast<std::uint32_t>(id.clock)};
  }

  std::pair<ItemRef, std::uint32_t> find(DenseId id, FollowUndone follow) const {
    if (follow == FollowUndone::yes) {
      return engine.follow_redone(id);
    }
    const ItemRef item = engine.item_at(id);
    return {item, id.clock - engine.items_[item].clock};
  }

  std::optional<AbsolutePosition> of_item(const Id& id, std::int64_t assoc,
                                          FollowUndone follow) const {
    const auto dense = known(id);
    if (!dense) {
      return std::nullopt;
    }
    const auto [ref, offset] = find(*dense, follow);
    const Item& item = engine.items_[ref];
    if (item.kind() == Kind::gc) {
      return std::nullopt;
    }
    AbsolutePosition position{
        .type = engine.value_of_type(engine.items_.parent(item)), .index = 0, .assoc = assoc};
    if (engine.alive(engine.items_.parent(item))) {
      position.index = item.visible() == 0 ? 0 : offset + (assoc >= 0 ? 0 : 1);
      for (ItemRef left = item.left(); left != k_none; left = engine.items_[left].left()) {
        position.index += engine.items_[left].visible();
      }
    }
    return position;
  }

  std::optional<TypeRef> type_of(const RelativePosition& position, FollowUndone follow) const {
    if (position.root) {
      const KeyRef name = engine.keys_.find(*position.root);
      const auto root = engine.roots_.find(name);
      return root == engine.roots_.end() ? std::nullopt : std::optional(root->second);
    }
    const auto dense = position.type ? known(*position.type) : std::nullopt;
    if (!dense) {
      return std::nullopt;
    }
    const Item& item = engine.items_[find(*dense, follow).first];
    return item.kind() == Kind::type ? std::optional(item.content) : std::nullopt;
  }
};

}  // namespace detail

RelativePosition relative_position(Doc& doc, const Value& type, std::uint32_t index,
                                   std::int64_t assoc) {
  detail::TypeRef ref = detail::k_none;
  std::visit(
      [&]<class Held>(const Held& held) {
        if constexpr (!std::is_same_v<Held, Any> && !std::is_same_v<Held, Subdocument>) {
          ref = detail::Engine::type_of(held);
        }
      },
      static_cast<const Value::Base&>(type));
  VIVIM_ASSERT(ref != detail::k_none);
  return detail::Positions{doc.engine()}.at(ref, index, assoc);
}

std::optional<AbsolutePosition> absolute_position(Doc& doc, const RelativePosition& position,
                                                  FollowUndone follow) {
  const detail::Positions positions{doc.engine()};
  if (position.item) {
    return positions.of_item(*position.item, position.assoc, follow);
  }
  const auto type = positions.type_of(position, follow);
  if (!type) {
    return std::nullopt;
  }
  return AbsolutePosition{.type = doc.engine().value_of_type(*type),
                          .index = position.assoc >= 0 ? doc.engine().type(*type).length : 0,
                          .assoc = position.assoc};
}

namespace {

enum Form : std::uint8_t { k_item, k_root, k_type };

void write_id(lib0::Encoder& out, const Id& id) {
  out.var_uint(value_of(id.client));
  out.var_uint(id.clock);
}

Result<Id> read_id(lib0::Decoder& in) {
  VIVIM_TRY(const std::uint64_t client, in.var_uint());
  VIVIM_TRY(const std::uint64_t clock, in.var_uint());
  return Id{ClientId{client}, clock};
}

Any id_to_any(const Id& id) {
  return Any(Any::Object{{"client", Any(value_of(id.client))}, {"clock", Any(id.clock)}});
}

std::optional<std::uint64_t> whole_number(const Any* value) {
  const double* number = value == nullptr ? nullptr : value->if_number();
  if (number == nullptr || !(*number >= 0) || *number > static_cast<double>(k_number_max) ||
      std::trunc(*number) != *number) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(*number);
}

Result<std::optional<Id>> id_from_any(const Any* json) {
  if (json == nullptr || json->is_null() || json->is_undefined()) {
    return std::optional<Id>();
  }
  const auto client = whole_number(json->find("client"));
  const auto clock = whole_number(json->find("clock"));
  if (!client || !clock) {
    return fail(CrdtError::bad_message);
  }
  return std::optional(Id{ClientId{*client}, *clock});
}

}  // namespace

Bytes encode_relative_position(const RelativePosition& position) {
  lib0::Encoder out;
  if (position.item) {
    out.var_uint(k_item);
    write_id(out, *position.item);
  } else if (position.root) {
    out.var_uint(k_root);
    out.var_string(*position.root);
  } else {
    out.var_uint(k_type);
    write_id(out, position.type.value_or(Id{}));
  }
  out.var_int(position.assoc);
  return out.take();
}

Result<RelativePosition> decode_relative_position(BytesView bytes) {
  lib0::Decoder in(bytes);
  RelativePosition position;
  VIVIM_TRY(const std::uint64_t form, in.var_uint());
  switch (form) {
    case k_item: {
      VIVIM_TRY(position.item, read_id(in));
      break;
    }
    case k_root: {
      VIVIM_TRY(const std::string_view name, in.var_string());
      position.root = std::string(name);
      break;
    }
    case k_type: {
      VIVIM_TRY(position.type, read_id(in));
      break;
    }
    default:
      return fail(CrdtError::bad_message, form);
  }
  if (!in.at_end()) {  // older writers leave it out
    VIVIM_TRY(position.assoc, in.var_int());
  }
  if (!in.at_end()) {
    return fail(CrdtError::trailing_bytes, in.left());
  }
  return position;
}

Any relative_position_to_any(const RelativePosition& position) {
  Any::Object json;
  if (position.type) {
    json.emplace_back("type", id_to_any(*position.type));
  }
  if (position.root) {
    json.emplace_back("tname", Any(*position.root));
  }
  if (position.item) {
    json.emplace_back("item", id_to_any(*position.item));
  }
  json.emplace_back("assoc", Any(position.assoc));
  return Any(std::move(json));
}

Result<RelativePosition> relative_position_from_any(const Any& json) {
  RelativePosition position;
  VIVIM_TRY(position.type, id_from_any(json.find("type")));
  VIVIM_TRY(position.item, id_from_any(json.find("item")));
  if (const Any* name = json.find("tname"); name != nullptr && name->is_string()) {
    position.root = *name->if_string();
  }
  if (const Any* assoc = json.find("assoc"); assoc != nullptr && assoc->is_number()) {
    const double number = *assoc->if_number();
    position.assoc = number < 0 ? -1 : 0;
    if (std::abs(number) <= static_cast<double>(k_number_max)) {
      position.assoc = static_cast<std::int64_t>(number);
    }
  }
  if (!position.type && !position.item && !position.root) {
    return fail(CrdtError::bad_message);
  }
  return position;
}

}  // namespace vivim::crdt
