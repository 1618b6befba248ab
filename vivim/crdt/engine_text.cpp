#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/engine_detail.hpp"
#include "vivim/crdt/utf_detail.hpp"

// Edits of text, as YText.js makes them: where an insertion lands among marks and deleted items
// decides the bytes.
namespace vivim::crdt::detail {

// The value of a mark, and whose object it is.
FormatValue Engine::format_value(ItemRef mark, std::string_view json) const {
  FormatValue value{.json = std::string(json)};
  if (value.is_object()) {
    const std::uint64_t own = packed(items_.id(items_[mark]));
    const auto shared = shared_values_.find(own);
    value.identity = shared == shared_values_.end() ? own : shared->second;
  }
  return value;
}

Attributes Engine::attributes_until(TypeRef type, ItemRef end) const {
  Attributes attributes;
  if (end == k_none) {
    return attributes;
  }
  for (ItemRef ref = types_[type].start; ref != k_none; ref = items_[ref].right()) {
    if (items_[ref].is_mark()) {
      const Format format = decode_format(items_.bytes(items_[ref]));
      attributes.update(format.key, format_value(ref, format.json));
    }
    if (ref == end) {
      break;
    }
  }
  return attributes;
}

// Yjs findPosition: right behind the unit before `index`; beyond the end, behind everything.
TextPosition Engine::text_position(TypeRef type, std::uint32_t index) {
  TextPosition position{.type = type, .index = std::min(index, types_[type].length)};
  position.left = index > types_[type].length ? types_[type].tail : locate(type, index);
  position.right = position.left == k_none ? types_[type].start : items_[position.left].right();
  if (types_[type].has_formatting) {
    position.attributes = attributes_until(type, position.left);
  }
  return position;
}

// The same for insertions and removals, which go on behind what is deleted at `index`: without
// marks there, that need not be walked.
TextPosition Engine::edit_position(TypeRef ref, std::uint32_t index) {
  Type& type = types_[ref];
  if (type.has_formatting) {
    return text_position(ref, index);
  }
  TextPosition position{.type = ref, .index = std::min(index, type.length)};
  if (index >= type.length) {
    position.left = type.tail;
    return position;
  }
  const Place place = seek(type, index + 1);
  set_cursor(ref, place.item, place.start);
  position.right = place.item;
  if (place.start < index) {
    const DenseId start = items_.id(items_[place.item]);
    position.right = clean_start({start.client, start.clock + (index - place.start)});
  }
  position.left = items_[position.right].left();
  return position;
}

void Engine::forward(TextPosition& position) const {
  const Item& item = items_[position.right];
  if (item.is_mark()) {
    const Format format = decode_format(items_.bytes(item));
    position.attributes.update(format.key, format_value(position.right, format.json));
  } else if (!item.deleted()) {
    position.index += item.len;
  }
  position.left = position.right;
  position.right = item.right();
}

// Yjs minimizeAttributeChanges: an insertion goes behind what is deleted and behind marks that it
// wants anyway.
void Engine::skip_equal(TextPosition& position, const Attributes& attributes) const {
  while (position.right != k_none) {
    const Item& item = items_[position.right];
    if (item.is_mark()) {
      const Format format = decode_format(items_.bytes(item));
      if (!equal_values(attributes.value(format.key), format_value(position.right, format.json))) {
        return;
      }
    } else if (!item.deleted()) {
      return;
    }
    forward(position);
  }
}

void Engine::insert_mark(TextPosition& position, std::string_view key, const FormatValue& value) {
  const ItemRef fresh = make_local(Kind::format, 1);
  lib0::Encoder content;
  content.var_string(key);
  content.var_string(value.json);
  items_.set_bytes(items_[fresh], content.view());
  if (value.is_object() && value.identity != 0) {
    shared_values_[packed(items_.id(items_[fresh]))] = value.identity;
  }
  position.right = insert_local(position.type, position.left, position.right, fresh);
  forward(position);
}

// Yjs insertAttributes. Returns what must be said behind the stretch to end it.
Attributes Engine::insert_marks(TextPosition& position, const Attributes& attributes) {
  Attributes negated;
  for (const auto& [key, value] : attributes.entries()) {
    const FormatValue current = position.attributes.value(key);
    if (!equal_values(current, value)) {
      negated.set(key, current);
      insert_mark(position, key, value);
    }
  }
  return negated;
}

// Yjs insertNegatedAttributes.
void Engine::negate_marks(TextPosition& position, Attributes negated) {
  while (position.right != k_none) {
    const Item& item = items_[position.right];
    if (!item.deleted()) {
      if (item.kind() != Kind::format) {
        break;
      }
      const Format format = decode_format(items_.bytes(item));
      const FormatValue* wanted = negated.find(format.key);
      if (wanted == nullptr || !equal_values(*wanted, format_value(position.right, format.json))) {
        break;
      }
      negated.erase(format.key);
    }
    forward(position);
  }
  for (const auto& [key, value] : negated.entries()) {
    insert_mark(position, key, value);
  }
}

// Yjs insertText: `attributes` and no others hold for what is inserted.
void Engine::insert_content(TextPosition& position, ItemRef fresh, Attributes attributes) {
  for (const auto& [key, value] : position.attributes.entries()) {
    if (attributes.find(key) == nullptr) {
      attributes.set(key, {});
    }
  }
  attributes.order_as_object();
  skip_equal(position, attributes);
  Attributes negated = insert_marks(position, attributes);
  items_[fresh].clock = clients_[self_].state;  // the marks came first
  position.right = insert_local(position.type, position.left, position.right, fresh);
  forward(position);
  negate_marks(position, std::move(negated));
}

ItemRef Engine::make_text(std::string_view utf8) {
  auto units = utf16_length(utf8);
  std::string repaired;
  if (!units) {
    repaired = repaired_utf8(utf8);
    utf8 = repaired;
    units = utf16_length(utf8);
  }
  const ItemRef fresh = make_local(Kind::string, static_cast<std::uint32_t>(*units));
  items_.set_text(items_[fresh], utf8, *units);
  return fresh;
}

ItemRef Engine::make_embed(const Any& embed) {
  const ItemRef fresh = make_local(Kind::embed, 1);
  lib0::Encoder content;
  content.var_string(valid_utf8(embed.to_json()));
  items_.set_bytes(items_[fresh], content.view());
  return fresh;
}

// Who types on at the end of what they typed last: no item of its own comes of it, for it would be
// merged when the transaction ends.
bool Engine::type_on(TypeRef ref, std::uint32_t index, std::string_view utf8) {
  const Type& type = types_[ref];
  if (type.cursor == k_none || type.has_formatting) {
    return false;
  }
  const Item& item = items_[type.cursor];
  if (items_.client(item) != self_ || item.end() != clients_[self_].state ||
      item.visible() != item.len || type.cursor_start + item.len != index) {
    return false;
  }
  DenseId right;
  if (item.right() != k_none) {
    const Item& next = items_[item.right()];
    if (next.deleted()) {
      return false;  // an insertion goes behind it
    }
    right = items_.id(next);
  }
  const auto units = utf16_length(utf8);
  return units && extend(self_, right, utf8, *units);
}

void Engine::text_insert(TypeRef type, std::uint32_t index, std::string_view utf8,
                         const TextAttributes* attributes) {
  if (!alive(type) || utf8.empty() || (attributes == nullptr && type_on(type, index, utf8))) {
    return;
  }
  TextPosition position = edit_position(type, index);
  const std::uint32_t at = position.index;
  const ItemRef fresh = make_text(utf8);
  insert_content(position, fresh,
                 attributes == nullptr ? position.attributes : Attributes::from(*attributes));
  set_cursor(type, fresh, at);
}

void Engine::text_embed(TypeRef type, std::uint32_t index, const Any& embed,
                        const TextAttributes& attributes) {
  if (alive(type)) {
    TextPosition position = edit_position(type, index);
    insert_content(position, make_embed(embed), Attributes::from(attributes));
  }
}

TypeRef Engine::text_insert_type(TypeRef type, std::uint32_t index, const NewType& fresh,
                                 const TextAttributes& attributes) {
  if (!alive(type)) {
    return type;
  }
  TextPosition position = edit_position(type, index);
  const ItemRef item = make_local(Kind::type, 1);
  const TypeRef nested = fill_type(item, fresh);
  insert_content(position, item, Attributes::from(attributes));
  return nested;
}

void Engine::text_remove(TypeRef type, std::uint32_t index, std::uint32_t length) {
  if (!alive(type) || length == 0 || index >= types_[type].length) {
    return;
  }
  TextPosition position = edit_position(type, index);
  const ItemRef left = position.left;
  remove_range(position, length);
  if (left != k_none) {
    set_cursor(type, left, index - items_[left].visible());
  }
}

// Yjs deleteText.
void Engine::remove_range(TextPosition& position, std::uint32_t length) {
  const Attributes start_attributes = position.attributes;
  const ItemRef start = position.right;
  while (length > 0 && position.right != k_none) {
    const Item& item = items_[position.right];
    const bool removable =
        item.kind() == Kind::string || item.kind() == Kind::embed || item.kind() == Kind::type;
    if (!item.deleted() && removable) {
      if (length < item.len) {
        clean_start({items_.client(item), item.clock + length});
      }
      length -= item.len;
      erase(position.right);
    }
    forward(position);
  }
  if (types_[position.type].has_formatting && start != k_none) {
    clean_format_gap(start, position.right, start_attributes, position.attributes);
  }
}

void Engine::text_format(TypeRef type, std::uint32_t index, std::uint32_t length,
                         const TextAttributes& attributes) {
  if (!alive(type) || length == 0) {
    return;
  }
  TextPosition position = text_position(type, index);
  if (position.right != k_none) {
    format_range(position, length, Attributes::from(attributes));
  }
}

// One step of formatText: marks in the stretch that say something of the same keys go. False: the
// stretch and what closes it are behind us.
bool Engine::format_item(TextPosition& position, std::uint32_t& length,
                         const Attributes& attributes, Attributes& negated) {
  const Item& item = items_[position.right];
  if (item.deleted()) {
    return true;
  }
  if (item.kind() != Kind::format) {
    if (length < item.len) {
      clean_start({items_.client(item), item.clock + length});
    }
    length -= item.len;
    return true;
  }
  const Format format = decode_format(items_.bytes(item));
  const FormatValue value = format_value(position.right, format.json);
  const FormatValue* wanted = attributes.find(format.key);
  if (wanted == nullptr) {
    return true;
  }
  if (equal_values(*wanted, value)) {
    negated.erase(format.key);
  } else if (length == 0) {
    return false;
  } else {
    negated.set(format.key, value);
  }
  erase(position.right);
  return true;
}

// Yjs formatText.
void Engine::format_range(TextPosition& position, std::uint32_t length,
                          const Attributes& attributes) {
  skip_equal(position, attributes);
  Attributes negated = insert_marks(position, attributes);
  while (position.right != k_none) {
    const Item& item = items_[position.right];
    if (length == 0 && (negated.empty() || (!item.deleted() && item.kind() != Kind::format))) {
      break;
    }
    if (!format_item(position, length, attributes, negated)) {
      break;
    }
    forward(position);
  }
  if (length > 0) {  // as editors expect that a text ends in a newline
    const ItemRef fresh = make_text(std::string(length, '\n'));
    position.right = insert_local(position.type, position.left, position.right, fresh);
    forward(position);
  }
  negate_marks(position, std::move(negated));
}

void Engine::text_apply(TypeRef type, const TextDelta& delta, FinalNewline final_newline) {
  if (!alive(type)) {
    return;
  }
  TextPosition position{.type = type, .right = types_[type].start};
  for (std::size_t i = 0; i < delta.size(); ++i) {
    if (const auto* insert = std::get_if<InsertText>(&delta[i])) {
      std::string_view utf8 = insert->utf8;
      if (final_newline == FinalNewline::drop && i + 1 == delta.size() &&
          position.right == k_none && utf8.ends_with('\n')) {
        utf8.remove_suffix(1);
      }
      if (!utf8.empty()) {
        insert_content(position, make_text(utf8), Attributes::from(insert->attributes));
      }
    } else if (const auto* embed = std::get_if<InsertEmbed>(&delta[i])) {
      insert_content(position, make_embed(embed->value.to_any()),
                     Attributes::from(embed->attributes));
    } else if (const auto* retain = std::get_if<Retain>(&delta[i])) {
      format_range(position, retain->length, Attributes::from(retain->attributes));
    } else {
      remove_range(position, std::get<Remove>(delta[i]).length);
    }
  }
}

}  // namespace vivim::crdt::detail
