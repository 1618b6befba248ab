#include <algorithm>
#include <map>
#include <ranges>

#include "vivim/crdt/attributes_detail.hpp"
#include "vivim/crdt/json_detail.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/utf_detail.hpp"

namespace vivim::crdt::detail {
namespace {

// Members of an object, or elements of an array by their index.
Any::Object members_of(const Any& value) {
  if (const auto* object = value.if_object()) {
    return *object;
  }
  Any::Object members;
  if (const auto* array = value.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      members.emplace_back(std::to_string(i), (*array)[i]);
    }
  }
  return members;
}

bool equal_members(const Any& a, const Any& b) {
  const Any::Object ours = members_of(a);
  const Any other = Any(members_of(b));
  return ours.size() == other.if_object()->size() && std::ranges::all_of(ours, [&](const auto& m) {
           const Any* theirs = other.find(m.first);
           return theirs != nullptr && !m.second.is_object() && !m.second.is_array() &&
                  *theirs == m.second;
         });
}

}  // namespace

std::string valid_utf8(std::string text) {
  return utf16_length(text) ? text : repaired_utf8(text);
}

bool identical(const FormatValue& a, const FormatValue& b) {
  return a.json == b.json && (!a.is_object() || (a.identity != 0 && a.identity == b.identity));
}

bool equal_values(const FormatValue& a, const FormatValue& b) {
  return identical(a, b) ||
         (a.is_object() && b.is_object() && equal_members(parse_json(a.json), parse_json(b.json)));
}

const FormatValue* Attributes::find(std::string_view key) const {
  const auto it = std::ranges::find(entries_, key, &Entry::key);
  return it == entries_.end() ? nullptr : &it->value;
}

const FormatValue& Attributes::value(std::string_view key) const {
  static const FormatValue nothing;
  const FormatValue* found = find(key);
  return found == nullptr ? nothing : *found;
}

void Attributes::set(std::string_view key, FormatValue value) {
  const auto it = std::ranges::find(entries_, key, &Entry::key);
  if (it == entries_.end()) {
    entries_.push_back({.key = std::string(key), .value = std::move(value)});
  } else {
    it->value = std::move(value);
  }
}

void Attributes::erase(std::string_view key) {
  const auto it = std::ranges::find(entries_, key, &Entry::key);
  if (it != entries_.end()) {
    entries_.erase(it);
  }
}

void Attributes::update(std::string_view key, FormatValue value) {
  if (value.is_null()) {
    erase(key);
  } else {
    set(key, std::move(value));
  }
}

Attributes Attributes::from(const Any::Object& object) {
  Attributes attributes;
  for (const auto& [key, value] : object) {
    attributes.set(valid_utf8(key), {.json = valid_utf8(value.to_json())});
  }
  attributes.order_as_object();
  return attributes;
}

Any::Object Attributes::to_object() const {
  Attributes ordered = *this;
  ordered.order_as_object();
  Any::Object object;
  for (const Entry& entry : ordered.entries_) {
    object.emplace_back(entry.key, parse_json(entry.value.json));
  }
  return object;
}

void Attributes::order_as_object() {
  std::map<std::uint32_t, Entry> indexes;
  for (const Entry& entry : entries_) {
    if (const auto index = array_index(entry.key)) {
      indexes.emplace(*index, entry);
    }
  }
  if (indexes.empty()) {
    return;
  }
  std::erase_if(entries_, [](const Entry& entry) { return array_index(entry.key).has_value(); });
  const auto first = std::views::values(indexes);
  entries_.insert(entries_.begin(), first.begin(), first.end());
}

Format decode_format(BytesView content) {
  lib0::Decoder in(content);
  const auto key = in.var_string();
  const auto json = in.var_string();
  return {.key = key.value_or(""), .json = json.value_or("null")};
}

}  // namespace vivim::crdt::detail
