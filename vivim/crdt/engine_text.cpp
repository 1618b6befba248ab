#include <algorithm>

#include "vivim/crdt/engine_detail.hpp"
#include "vivim/crdt/utf_detail.hpp"

namespace vivim::crdt::detail {
namespace {

constexpr std::string_view k_null = "null";

struct Format {
  std::string_view key;
  std::string_view value;  // JSON
};

Format format_of(const Item& item) {
  lib0::Decoder in(item.content.bytes());
  const auto key = in.var_string();
  const auto value = in.var_string();
  return {.key = key.value_or(""), .value = value.value_or(k_null)};
}

std::string_view value_in(const Attributes& attributes, std::string_view key) {
  const auto it = attributes.find(key);
  return it == attributes.end() ? k_null : std::string_view(it->second);
}

void update(Attributes& attributes, const Format& format) {
  if (format.value == k_null) {
    if (const auto it = attributes.find(format.key); it != attributes.end()) {
      attributes.erase(it);
    }
  } else {
    attributes.insert_or_assign(std::string(format.key), std::string(format.value));
  }
}

// JavaScript's ===: two objects that look the same are two.
bool identical(std::string_view a, std::string_view b) {
  return a == b && !a.starts_with('{') && !a.starts_with('[');
}

bool is_live_format(const Item& item) {
  return !item.deleted && item.kind == Kind::format;
}

}  // namespace

Attributes Engine::attributes_until(TypeRef type, ItemRef end) const {
  Attributes attributes;
  if (end == k_none) {
    return attributes;
  }
  for (ItemRef ref = types_[type].start; ref != k_none; ref = items_[ref].right) {
    if (is_live_format(items_[ref])) {
      update(attributes, format_of(items_[ref]));
    }
    if (ref == end) {
      break;
    }
  }
  return attributes;
}

// Yjs minimizeAttributeChanges: an insertion goes behind what is deleted and behind marks that
// change nothing.
void Engine::skip_redundant(TypeRef type, TextPosition& position) {
  std::optional<Attributes> attributes;
  while (position.right != k_none) {
    const Item& item = items_[position.right];
    if (is_live_format(item)) {
      if (!attributes) {
        attributes = attributes_until(type, position.left);
      }
      const Format format = format_of(item);
      if (value_in(*attributes, format.key) != format.value) {
        break;
      }
    } else if (!item.deleted) {
      break;
    }
    position.left = position.right;
    position.right = item.right;
  }
}

void Engine::text_insert(TypeRef type, std::uint32_t index, std::string_view utf8) {
  if (!alive(type) || utf8.empty()) {
    return;
  }
  auto units = utf16_length(utf8);
  std::string repaired;
  if (!units) {
    repaired = repaired_utf8(utf8);
    utf8 = repaired;
    units = utf16_length(utf8);
  }
  index = std::min(index, types_[type].length);
  TextPosition position{.left = locate(type, index)};
  position.right = position.left == k_none ? types_[type].start : items_[position.left].right;
  skip_redundant(type, position);
  const ItemRef fresh = make_local(Kind::string, static_cast<std::uint32_t>(*units));
  items_[fresh].content.set_text(utf8, *units);
  insert_local(type, position.left, position.right, fresh);
  set_cursor(type, fresh, index);
}

void Engine::text_remove(TypeRef type, std::uint32_t index, std::uint32_t length) {
  if (!alive(type) || length == 0 || index >= types_[type].length) {
    return;
  }
  const ItemRef left = locate(type, index);
  const ItemRef start = left == k_none ? types_[type].start : items_[left].right;
  ItemRef ref = start;
  while (length > 0 && ref != k_none) {
    const Item& item = items_[ref];
    const bool removable =
        item.kind == Kind::string || item.kind == Kind::embed || item.kind == Kind::type;
    if (!item.deleted && removable) {
      if (length < item.len) {
        clean_start({item.client, item.clock + length});
      }
      length -= item.len;
      erase(ref);
    }
    ref = item.right;
  }
  if (types_[type].has_formatting && start != k_none) {
    clean_format_gap(start, attributes_until(type, left));
  }
  if (left != k_none) {
    set_cursor(type, left, index - items_[left].visible());
  }
}

// Yjs cleanupFormattingGap: between two pieces of content only the last mark of each key counts,
// and only if it changes something.
void Engine::clean_format_gap(ItemRef start, const Attributes& attributes) {
  std::map<std::string, ItemRef, std::less<>> last;
  ItemRef end = start;
  while (end != k_none && items_[end].visible() == 0) {
    if (is_live_format(items_[end])) {
      last.insert_or_assign(std::string(format_of(items_[end]).key), end);
    }
    end = items_[end].right;
  }
  for (ItemRef ref = start; ref != end; ref = items_[ref].right) {
    if (!is_live_format(items_[ref])) {
      continue;
    }
    const Format format = format_of(items_[ref]);
    if (last.find(format.key)->second != ref ||
        identical(value_in(attributes, format.key), format.value)) {
      erase(ref);
    }
  }
}

}  // namespace vivim::crdt::detail
