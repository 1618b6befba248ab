#include <algorithm>
#include <cmath>

#include "vivim/crdt/engine_detail.hpp"

// XML nodes: walking them, and their text as YXml*.js writes it.
namespace vivim::crdt::detail {
namespace {

constexpr std::uint32_t k_depth_max = 256;

// As JavaScript makes a string of a value.
std::string to_js_string(const Any& value) {
  if (const std::string* text = value.if_string()) {
    return *text;
  }
  if (value.is_undefined()) {
    return "undefined";
  }
  if (const double* number = value.if_number(); number != nullptr && !std::isfinite(*number)) {
    return std::isnan(*number) ? "NaN" : *number > 0 ? "Infinity" : "-Infinity";
  }
  if (const Bytes* bytes = value.if_bytes()) {
    std::string out;
    for (const std::uint8_t byte : *bytes) {
      out += (out.empty() ? "" : ",") + std::to_string(byte);
    }
    return out;
  }
  if (const auto* elements = value.if_array()) {
    std::string out;
    for (std::size_t i = 0; i < elements->size(); ++i) {
      const Any& element = (*elements)[i];
      out += i == 0 ? "" : ",";
      out += element.is_null() || element.is_undefined() ? "" : to_js_string(element);
    }
    return out;
  }
  return value.is_object() ? "[object Object]" : value.to_json();
}

std::string to_js_string(const Value& value) {
  const bool text = value.if_any() != nullptr || value.if_text() != nullptr ||
                    value.if_xml_text() != nullptr || value.if_xml_element() != nullptr ||
                    value.if_xml_fragment() != nullptr;
  return text ? to_js_string(value.to_any()) : "[object Object]";
}

// Each format is an element, the members of its value are attributes; both in order of their names.
void append_formatted(std::string& out, std::string_view text, TextAttributes formats) {
  std::ranges::sort(formats, {}, &Any::Object::value_type::first);
  for (const auto& [name, value] : formats) {
    out += "<" + name;
    Any::Object members = value.if_object() != nullptr ? *value.if_object() : Any::Object{};
    std::ranges::sort(members, {}, &Any::Object::value_type::first);
    for (const auto& [key, member] : members) {
      out += " " + key + "=\"" + to_js_string(member) + "\"";
    }
    out += ">";
  }
  out += text;
  for (auto format = formats.rbegin(); format != formats.rend(); ++format) {
    out += "</" + format->first + ">";
  }
}

std::string lower_case(std::string name) {
  for (char& c : name) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return name;
}

}  // namespace

std::string Engine::xml_name(TypeRef ref) const {
  const BytesView name = types_[ref].name;
  lib0::Decoder in(name);
  return name.empty() ? "UNDEFINED" : std::string(in.var_string().value_or(""));
}

std::string Engine::xml_string(TypeRef ref, std::uint32_t depth) {
  std::string out;
  if (!alive(ref) || depth > k_depth_max) {
    return out;
  }
  if (types_[ref].kind == TypeKind::xml_text) {
    for (const auto& step : text_delta(ref)) {
      if (const auto* insert = std::get_if<InsertText>(&step)) {
        append_formatted(out, insert->utf8, insert->attributes);
      } else if (const auto* embed = std::get_if<InsertEmbed>(&step)) {
        append_formatted(out, to_js_string(embed->value), embed->attributes);
      }
    }
    return out;
  }
  const bool element = types_[ref].kind == TypeKind::xml_element;
  const std::string name = lower_case(xml_name(ref));
  if (element) {
    out += "<" + name;
    std::vector<std::pair<std::string, std::string>> attributes;
    map_each(ref, [&](std::string_view key, const Value& value) {
      attributes.emplace_back(key, to_js_string(value));
    });
    std::ranges::sort(attributes);
    for (const auto& [key, value] : attributes) {
      out += " " + key + "=\"" + value + "\"";
    }
    out += ">";
  }
  for (ItemRef at = types_[ref].start; at != k_none; at = items_[at].right()) {
    const Item& item = items_[at];
    if (item.visible() == 0) {
      continue;
    }
    if (item.kind() == Kind::type && types_[item.content].kind >= TypeKind::xml_element) {
      out += types_[item.content].kind == TypeKind::xml_hook ? "[object Object]"
                                                             : xml_string(item.content, depth + 1);
    } else {
      each_value(item, [&](const Value& value) { out += to_js_string(value); });
    }
  }
  return element ? out + "</" + name + ">" : out;
}

std::optional<Value> Engine::xml_first_child(TypeRef ref) {
  return list_get(ref, 0);
}

std::optional<Value> Engine::xml_sibling(TypeRef ref, Direction direction) {
  if (!alive(ref) || types_[ref].item == k_none) {
    return std::nullopt;
  }
  const auto step = [&](ItemRef at) {
    return direction == Direction::next ? items_[at].right() : items_[at].left();
  };
  ItemRef at = step(types_[ref].item);
  while (at != k_none && items_[at].deleted()) {
    at = step(at);
  }
  return at == k_none ? std::nullopt : std::optional(value_at(items_[at], 0));
}

std::optional<Value> Engine::xml_parent(TypeRef ref) {
  if (!alive(ref) || types_[ref].item == k_none) {
    return std::nullopt;
  }
  return value_of_type(items_.parent(items_[types_[ref].item]));
}

// Depth first, without recursion: a hostile document may be deep.
std::vector<Value> Engine::xml_walk(TypeRef root, const XmlFilter& filter) {
  std::vector<Value> found;
  std::vector<ItemRef> todo;
  const auto push = [&](TypeRef type) {
    if (types_[type].start != k_none) {
      todo.push_back(types_[type].start);
    }
  };
  if (alive(root)) {
    push(root);
  }
  while (!todo.empty()) {
    const Item& item = items_[todo.back()];
    todo.pop_back();
    if (item.right() != k_none) {
      todo.push_back(item.right());
    }
    if (item.deleted() || item.kind() != Kind::type) {
      continue;
    }
    const TypeRef type = item.content;
    Value node = value_of_type(type);
    if (!filter || filter(node)) {
      found.push_back(std::move(node));
    }
    const TypeKind kind = types_[type].kind;
    if (kind == TypeKind::xml_element || kind == TypeKind::xml_fragment) {
      push(type);
    }
  }
  return found;
}

}  // namespace vivim::crdt::detail
