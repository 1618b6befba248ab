#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/engine_detail.hpp"

namespace vivim::crdt::detail {

ItemRef Engine::make_local(Kind kind, std::uint32_t len) {
  VIVIM_ASSERT(current_ != nullptr);
  VIVIM_ASSERT(len <= k_clock_max - clients_[self_].state);
  const ItemRef ref = items_.make();
  Item& item = items_[ref];
  item.clock = clients_[self_].state;
  item.len = len;
  item.set_kind(kind);
  item.set_shape(own_shape_);
  return ref;
}

ItemRef Engine::insert_local(TypeRef type, ItemRef left, ItemRef right, ItemRef fresh, KeyRef key) {
  Item& item = items_[fresh];
  Shape shape{.client = self_, .parent = type, .key = key};
  item.set_left(left);
  item.set_right(right);
  if (left != k_none) {
    const DenseId origin = items_.last_id(items_[left]);
    shape.origin = origin.client;
    item.origin_clock = origin.clock;
  }
  if (right != k_none) {
    const DenseId origin = items_.id(items_[right]);
    shape.right_origin = origin.client;
    item.right_origin_clock = origin.clock;
  }
  items_.set_shape(item, shape);
  integrate(fresh);
  return fresh;
}

// From a known place to the visible item that covers unit `index - 1`, if it is within `steps_max`
// items.
std::optional<Engine::Place> Engine::walk(Place from, std::uint32_t index,
                                          std::uint32_t steps_max) const {
  ItemRef ref = from.item;
  std::uint32_t start = from.start;
  for (std::uint32_t step = 0; step < steps_max; ++step) {
    const Item& item = items_[ref];
    const std::uint32_t visible = item.visible();
    if (start >= index) {
      ref = item.left();
      if (ref == k_none) {
        return std::nullopt;
      }
      start -= items_[ref].visible();
    } else if (start + visible >= index) {
      return Place{.item = ref, .start = start};
    } else {
      start += visible;
      ref = item.right();
      if (ref == k_none) {
        return std::nullopt;
      }
    }
  }
  return std::nullopt;
}

Engine::Place Engine::seek(Type& type, std::uint32_t index) {
  constexpr std::uint32_t k_near = 24;
  constexpr std::uint32_t k_near_units = 256;
  constexpr std::uint32_t k_short_list = 96;
  // Each step may miss the cache: none is taken where an index says more.
  const bool near = std::max(index, type.cursor_start) - std::min(index, type.cursor_start) <=
                    (type.sequence ? k_near_units : k_clock_max);
  if (type.cursor != k_none && near) {
    if (const auto place = walk({type.cursor, type.cursor_start}, index, k_near)) {
      return *place;
    }
  }
  if (!type.sequence) {
    if (const auto place = walk({type.start, 0}, index, k_short_list)) {
      return *place;
    }
  }
  if (!type.sequence || type.sequence->worn_out()) {
    type.sequence = std::make_unique<Sequence>(items_);
    type.sequence->build(type.start);
  }
  const auto found = type.sequence->find_before(index);
  const auto place = walk({found.item, found.start}, index, 0xffff'ffff);
  VIVIM_ASSERT(place.has_value());
  return *place;
}

ItemRef Engine::locate(TypeRef ref, std::uint32_t index) {
  Type& type = types_[ref];
  index = std::min(index, type.length);
  if (index == 0) {
    return k_none;
  }
  const Place place = seek(type, index);
  const Item& item = items_[place.item];
  if (place.start + item.len > index) {
    clean_start({items_.client(item), item.clock + (index - place.start)});
  }
  set_cursor(ref, place.item, place.start);
  return place.item;
}

void Engine::set_cursor(TypeRef type, ItemRef item, std::uint32_t start) {
  types_[type].cursor = item;
  types_[type].cursor_start = start;
}

// Yjs typeListInsertGenericsAfter: plain values side by side share an item, bytes have one each.
ItemRef Engine::insert_values(TypeRef type, ItemRef left, ItemRef right,
                              const std::vector<Any>& values) {
  lib0::Encoder encoded;
  std::uint32_t count = 0;
  const auto flush = [&] {
    if (count > 0) {
      const ItemRef fresh = make_local(Kind::any, count);
      items_.set_bytes(items_[fresh], encoded.view());
      left = insert_local(type, left, right, fresh);
      encoded.clear();
      count = 0;
    }
  };
  for (const Any& value : values) {
    const Bytes* bytes = value.if_bytes();
    if (bytes == nullptr) {
      encoded.any(value);
      ++count;
      continue;
    }
    flush();
    const ItemRef fresh = make_local(Kind::binary, 1);
    encoded.var_bytes(*bytes);
    items_.set_bytes(items_[fresh], encoded.view());
    encoded.clear();
    left = insert_local(type, left, right, fresh);
  }
  flush();
  return left;
}

void Engine::list_insert(TypeRef type, std::uint32_t index, std::vector<Any> values) {
  if (!alive(type)) {
    return;
  }
  const ItemRef left = locate(type, index);
  const ItemRef right = left == k_none ? types_[type].start : items_[left].right();
  insert_values(type, left, right, values);
}

// Yjs typeListPushGenerics: behind everything, deleted elements too.
void Engine::list_push(TypeRef type, std::vector<Any> values) {
  if (alive(type)) {
    insert_values(type, types_[type].tail, k_none, values);
  }
}

TypeRef Engine::fill_type(ItemRef item, const NewType& fresh) {
  const TypeRef type = make_type(static_cast<TypeKind>(fresh.type));
  if (fresh.type == SharedType::xml_element || fresh.type == SharedType::xml_hook) {
    lib0::Encoder name;
    name.var_string(fresh.name);
    types_[type].name = name.take();
  }
  items_[item].content = type;
  return type;
}

TypeRef Engine::list_insert_type(TypeRef type, std::uint32_t index, const NewType& fresh) {
  if (!alive(type)) {
    return type;
  }
  const ItemRef left = locate(type, index);
  const ItemRef right = left == k_none ? types_[type].start : items_[left].right();
  const ItemRef item = make_local(Kind::type, 1);
  const TypeRef nested = fill_type(item, fresh);
  insert_local(type, left, right, item);
  return nested;
}

TypeRef Engine::list_insert_type_after(TypeRef type, TypeRef child, const NewType& fresh) {
  const ItemRef left = child == k_none ? k_none : types_[child].item;
  if (!alive(type) || (left != k_none && items_.parent(items_[left]) != type)) {
    return type;
  }
  const ItemRef right = left == k_none ? types_[type].start : items_[left].right();
  const ItemRef item = make_local(Kind::type, 1);
  const TypeRef nested = fill_type(item, fresh);
  insert_local(type, left, right, item);
  return nested;
}

void Engine::list_remove(TypeRef type, std::uint32_t index, std::uint32_t length) {
  if (!alive(type) || length == 0 || index >= types_[type].length) {
    return;
  }
  const ItemRef left = locate(type, index);
  ItemRef ref = left == k_none ? types_[type].start : items_[left].right();
  while (length > 0 && ref != k_none) {
    const Item& item = items_[ref];
    if (!item.deleted()) {
      if (length < item.len) {
        clean_start({items_.client(item), item.clock + length});
      }
      length -= item.len;
      erase(ref);
    }
    ref = item.right();
  }
}

void Engine::map_set(TypeRef type, std::string_view key, const Any& value) {
  if (!alive(type)) {
    return;
  }
  const KeyRef key_ref = keys_.intern(key);
  const ItemRef left = types_[type].map.find(key_ref);
  const Bytes* bytes = value.if_bytes();
  const ItemRef fresh = make_local(bytes == nullptr ? Kind::any : Kind::binary, 1);
  lib0::Encoder encoded;
  if (bytes == nullptr) {
    encoded.any(value);
  } else {
    encoded.var_bytes(*bytes);
  }
  items_.set_bytes(items_[fresh], encoded.view());
  insert_local(type, left, k_none, fresh, key_ref);
}

TypeRef Engine::map_set_type(TypeRef type, std::string_view key, const NewType& fresh) {
  if (!alive(type)) {
    return type;
  }
  const KeyRef key_ref = keys_.intern(key);
  const ItemRef left = types_[type].map.find(key_ref);
  const ItemRef item = make_local(Kind::type, 1);
  const TypeRef nested = fill_type(item, fresh);
  insert_local(type, left, k_none, item, key_ref);
  return nested;
}

void Engine::map_erase(TypeRef type, std::string_view key) {
  if (!alive(type)) {
    return;
  }
  const ItemRef item = types_[type].map.find(keys_.find(key));
  if (item != k_none) {
    erase(item);
  }
}

void Engine::map_clear(TypeRef type) {
  if (!alive(type)) {
    return;
  }
  for (const KeyMap::Entry& entry : types_[type].map.entries()) {
    erase(entry.item);
  }
}

}  // namespace vivim::crdt::detail
