#include "vivim/chat/part_any.hpp"

#include "vivim/chat/json.hpp"

namespace vivim::chat {

namespace {

using crdt::Any;

Any any_of(const JsonValue& value) {
  switch (value.type()) {
    case JsonType::absent:
      return {};
    case JsonType::null:
      return nullptr;
    case JsonType::boolean:
      return value.is_true();
    case JsonType::number:
      return value.number() ? Any(*value.number()) : Any(value.raw());
    case JsonType::string:
      return value.string();
    case JsonType::array: {
      Any::Array elements;
      value.for_each_element([&](JsonValue element) { elements.push_back(any_of(element)); });
      return elements;
    }
    case JsonType::object: {
      Any::Object members;
      value.for_each_member([&](JsonValue key, JsonValue member) {
        members.emplace_back(key.string(), any_of(member));
      });
      return members;
    }
  }
  return {};
}

/// Writes the fields of a part into an object; leaves out what is empty.
struct ToAny {
  Any::Object& out;

  void operator()(std::string_view name, const std::string& text) const {
    if (!text.empty()) {
      out.emplace_back(name, text);
    }
  }
  void operator()(std::string_view name, const std::optional<double>& number) const {
    if (number) {
      out.emplace_back(name, *number);
    }
  }
  void operator()(std::string_view name, const bool& truth) const {
    if (truth) {
      out.emplace_back(name, true);
    }
  }
  void operator()(std::string_view name, const Json& json) const {
    if (!json.text.empty()) {
      out.emplace_back(name, any_of_json(json.text));
    }
  }
  void operator()(std::string_view name, const std::vector<Thought>& thoughts) const {
    Any::Array list;
    for (const auto& thought : thoughts) {
      Any::Object object;
      ToAny{object}("summary", thought.summary);
      ToAny{object}("content", thought.content);
      list.emplace_back(std::move(object));
    }
    if (!list.empty()) {
      out.emplace_back(name, std::move(list));
    }
  }
};

/// Reads the fields of a part from an object; what has another type is ignored.
struct FromAny {
  const Any& from;

  void operator()(std::string_view name, std::string& text) const {
    if (const auto* value = from.find(name); value != nullptr && value->if_string() != nullptr) {
      text = *value->if_string();
    }
  }
  void operator()(std::string_view name, std::optional<double>& number) const {
    if (const auto* value = from.find(name); value != nullptr && value->if_number() != nullptr) {
      number = *value->if_number();
    }
  }
  void operator()(std::string_view name, bool& truth) const {
    const auto* value = from.find(name);
    truth = value != nullptr && value->if_bool() != nullptr && *value->if_bool();
  }
  void operator()(std::string_view name, Json& json) const {
    if (const auto* value = from.find(name); value != nullptr && !value->is_undefined()) {
      json.text = value->to_json();
    }
  }
  void operator()(std::string_view name, std::vector<Thought>& thoughts) const {
    const auto* value = from.find(name);
    const auto* list = value != nullptr ? value->if_array() : nullptr;
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      Thought& thought = thoughts.emplace_back();
      FromAny{(*list)[i]}("summary", thought.summary);
      FromAny{(*list)[i]}("content", thought.content);
    }
  }
};

}  // namespace

crdt::Any any_of_json(std::string_view json) {
  JsonIndex index;
  if (!index.parse(json, {.depth_max = k_any_depth_max})) {
    return sanitize_utf8(json);
  }
  return any_of(index.root());
}

crdt::Any any_of_part(const Part& part) {
  Any::Object object;
  object.emplace_back("type", part_type(part));
  std::visit([&]<class Type>(const Type& value) { Type::fields(value, ToAny{object}); }, part);
  return object;
}

Part part_of_any(const crdt::Any& any) {
  std::string type;
  FromAny{any}("type", type);
  auto part = make_part(type);
  if (!part) {
    return UnknownPart{.kind = type.empty() ? "part" : type, .raw = any.to_json()};
  }
  std::visit([&]<class Type>(Type& value) { Type::fields(value, FromAny{any}); }, *part);
  return *part;
}

}  // namespace vivim::chat
