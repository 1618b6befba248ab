#include <algorithm>

#include "vivim/crdt/engine_detail.hpp"
#include "vivim/crdt/json_detail.hpp"

namespace vivim::crdt::detail {
namespace {

constexpr std::uint32_t k_read_depth_max = 256;

}  // namespace

bool Engine::alive(TypeRef ref) const {
  const Type& type = types_[ref];
  return !type.dead && (type.item == k_none || !items_[type.item].deleted());
}

std::string Engine::text_string(TypeRef ref) const {
  std::string out;
  if (!alive(ref)) {
    return out;
  }
  std::size_t units = types_[ref].length;
  out.resize(units + Items::View::k_put_room);
  std::size_t size = 0;
  const Items::View items(items_);
  for (ItemRef at = types_[ref].start; at != k_none; at = items[at].right()) {
    const Item& item = items[at];
    if (item.deleted() || item.kind() != Kind::string) {
      continue;
    }
    units -= item.len;
    if (item.wide()) {
      out.resize(size);
      items_.append_to(out, item);
      size = out.size();
      out.resize(size + units + Items::View::k_put_room);
    } else {
      auto* to = reinterpret_cast<std::uint8_t*>(out.data() + size);
      size += static_cast<std::size_t>(items.put_text(to, item, item.len) - to);
    }
  }
  out.resize(size);
  return out;
}

Value Engine::value_of_type(TypeRef ref) {
  switch (types_[ref].kind) {
    case TypeKind::text:
      return text(ref);
    case TypeKind::map:
      return map(ref);
    case TypeKind::array:
      return array(ref);
    case TypeKind::xml_fragment:
      return xml_fragment(ref);
    case TypeKind::xml_element:
      return xml_element(ref);
    case TypeKind::xml_text:
      return xml_text(ref);
    case TypeKind::xml_hook:
      return XmlHook(*this, ref);
    case TypeKind::unknown:
      break;
  }
  return Any();
}

Value Engine::value_at(const Item& item, std::uint32_t offset) {
  const BytesView bytes = items_.bytes(item);
  lib0::Decoder in(bytes);
  switch (item.kind()) {
    case Kind::type:
      return value_of_type(item.content);
    case Kind::any:
      in = lib0::Decoder(bytes.subspan(element_offset(item.kind(), bytes, offset)));
      return in.any().value_or(Any());
    case Kind::json:
      in = lib0::Decoder(bytes.subspan(element_offset(item.kind(), bytes, offset)));
      return parse_json(in.var_string().value_or("null"));
    case Kind::binary:
      return Any(to_bytes(in.var_bytes().value_or(BytesView{})));
    case Kind::embed:
      return parse_json(in.var_string().value_or("null"));
    case Kind::doc:
      return Subdocument(*this, wire_id(items_.id(item)));
    default:
      return Any();
  }
}

void Engine::each_value(const Item& item, const std::function<void(const Value&)>& visit) {
  if (item.kind() != Kind::any && item.kind() != Kind::json) {
    for (std::uint32_t i = 0; i < item.len; ++i) {
      visit(value_at(item, i));
    }
    return;
  }
  lib0::Decoder in(items_.bytes(item));
  for (std::uint32_t i = 0; i < item.len; ++i) {
    visit(item.kind() == Kind::any ? in.any().value_or(Any())
                                   : parse_json(in.var_string().value_or("null")));
  }
}

std::optional<Value> Engine::list_get(TypeRef ref, std::uint32_t index) {
  if (!alive(ref) || index >= types_[ref].length) {
    return std::nullopt;
  }
  const Place place = seek(types_[ref], index + 1);
  set_cursor(ref, place.item, place.start);
  return value_at(items_[place.item], index - place.start);
}

void Engine::list_each(TypeRef ref, const std::function<void(const Value&)>& visit) {
  if (!alive(ref)) {
    return;
  }
  for (ItemRef at = types_[ref].start; at != k_none; at = items_[at].right()) {
    if (items_[at].visible() > 0) {
      each_value(items_[at], visit);
    }
  }
}

std::optional<Value> Engine::map_get(TypeRef ref, std::string_view key) {
  if (!alive(ref)) {
    return std::nullopt;
  }
  const ItemRef at = types_[ref].map.find(keys_.find(key));
  if (at == k_none || items_[at].deleted()) {
    return std::nullopt;
  }
  return value_at(items_[at], items_[at].len - 1);
}

std::size_t Engine::map_size(TypeRef ref) const {
  std::size_t size = 0;
  if (alive(ref)) {
    for (const KeyMap::Entry& entry : types_[ref].map.entries()) {
      size += items_[entry.item].deleted() ? 0 : 1;
    }
  }
  return size;
}

void Engine::map_each(TypeRef ref,
                      const std::function<void(std::string_view, const Value&)>& visit) {
  if (!alive(ref)) {
    return;
  }
  for (const KeyMap::Entry& entry : types_[ref].map.entries()) {
    const Item& item = items_[entry.item];
    if (!item.deleted()) {
      visit(keys_.name(entry.key), value_at(item, item.len - 1));
    }
  }
}

Any Engine::to_any(TypeRef ref, std::uint32_t depth) {
  if (depth > k_read_depth_max) {
    return {};
  }
  const auto plain = [&](const Value& value) -> Any {
    return std::visit(
        [&](const auto& held) -> Any {
          using Held = std::decay_t<decltype(held)>;
          if constexpr (std::is_same_v<Held, Any>) {
            return held;
          } else if constexpr (std::is_same_v<Held, Subdocument>) {
            return Any(held.guid());
          } else {
            return to_any(held.type_, depth + 1);
          }
        },
        static_cast<const Value::Base&>(value));
  };
  switch (types_[ref].kind) {
    case TypeKind::text:
      return Any(text_string(ref));
    case TypeKind::xml_text:
    case TypeKind::xml_element:
    case TypeKind::xml_fragment:
      return Any(xml_string(ref, depth));
    case TypeKind::map:
    case TypeKind::xml_hook: {
      Any::Object members;
      map_each(ref, [&](std::string_view key, const Value& value) {
        members.emplace_back(key, plain(value));
      });
      return Any(std::move(members));
    }
    case TypeKind::array: {
      Any::Array values;
      list_each(ref, [&](const Value& value) { values.push_back(plain(value)); });
      return Any(std::move(values));
    }
    default:
      return {};
  }
}

// As JavaScript's slice; Yjs typeListSlice.
std::vector<Value> Engine::list_slice(TypeRef ref, std::int64_t start, std::int64_t end) {
  std::vector<Value> values;
  const std::int64_t length = this->length(ref);
  start = start < 0 ? start + length : start;
  end = std::min(end < 0 ? end + length : end, length);
  for (std::int64_t i = std::max<std::int64_t>(start, 0); i < end; ++i) {
    values.push_back(*list_get(ref, static_cast<std::uint32_t>(i)));
  }
  return values;
}

// The plain values of a type's keys.
Any::Object Engine::map_values(TypeRef ref) {
  Any::Object members;
  map_each(ref, [&](std::string_view key, const Value& value) {
    members.emplace_back(key, value.to_any());
  });
  return members;
}

}  // namespace vivim::crdt::detail
