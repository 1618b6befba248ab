#include <algorithm>
#include <map>
#include <set>

#include "vivim/crdt/engine_detail.hpp"

// Marks that say nothing: Yjs deletes some of them after removals and after remote transactions.
// Which ones is part of the format, for the deletions are sent.
namespace vivim::crdt::detail {

// Yjs cleanupFormattingGap: between two pieces of content only the last mark of each key counts,
// and only if it changes something. `attributes` hold at `current`, and are kept true.
std::size_t Engine::clean_format_gap(ItemRef start, ItemRef current,
                                     const Attributes& start_attributes, Attributes& attributes) {
  std::map<std::string, ItemRef, std::less<>> last;
  ItemRef end = start;
  while (end != k_none && items_[end].visible() == 0) {
    if (items_[end].is_mark()) {
      last.insert_or_assign(std::string(decode_format(items_.bytes(items_[end])).key), end);
    }
    end = items_[end].right();
  }
  std::size_t cleaned = 0;
  bool behind = false;
  for (ItemRef ref = start; ref != end; ref = items_[ref].right()) {
    behind = behind || ref == current;
    if (!items_[ref].is_mark()) {
      continue;
    }
    const Format format = decode_format(items_.bytes(items_[ref]));
    const FormatValue value = format_value(ref, format.json);
    const FormatValue& before = start_attributes.value(format.key);
    if (last.find(format.key)->second != ref || identical(before, value)) {
      erase(ref);
      ++cleaned;
      if (!behind && identical(attributes.value(format.key), value) && !identical(before, value)) {
        attributes.update(format.key, before);
      }
    } else if (!behind) {
      attributes.update(format.key, value);
    }
  }
  return cleaned;
}

// Yjs cleanupContextlessFormattingGap: of several marks of one key around `item` the last stays.
void Engine::clean_gap_around(ItemRef item) {
  const auto in_gap = [&](ItemRef ref) { return items_[ref].visible() == 0; };
  while (items_[item].right() != k_none && in_gap(items_[item].right())) {
    item = items_[item].right();
  }
  std::set<std::string, std::less<>> seen;
  for (; item != k_none && in_gap(item); item = items_[item].left()) {
    if (items_[item].is_mark() &&
        !seen.emplace(decode_format(items_.bytes(items_[item])).key).second) {
      erase(item);
    }
  }
}

// Yjs cleanupYTextFormatting.
void Engine::clean_formatting(TypeRef type) {
  ItemRef start = types_[type].start;
  Attributes start_attributes;
  Attributes attributes;
  for (ItemRef end = start; end != k_none; end = items_[end].right()) {
    if (items_[end].is_mark()) {
      const Format format = decode_format(items_.bytes(items_[end]));
      attributes.update(format.key, format_value(end, format.json));
    } else if (!items_[end].deleted()) {
      clean_format_gap(start, end, start_attributes, attributes);
      start_attributes = attributes;
      start = end;
    }
  }
}

// Yjs cleanupYTextAfterTransaction: where marks came or went the whole text is cleaned, elsewhere
// the gaps of what was deleted; in a transaction of its own.
void Engine::clean_formatting_after(TransactionState& state) {
  std::vector<TypeRef> whole;
  const auto add = [&](TypeRef type) {
    if (std::ranges::find(whole, type) == whole.end()) {
      whole.push_back(type);
    }
  };
  for (std::size_t i = 0; i < state.settled; ++i) {
    const auto [client, from, after] = state.touched[i];
    const auto note_marks = [&](ItemRef ref) {
      if (items_[ref].is_mark()) {
        add(items_.parent(items_[ref]));
      }
    };
    if (state.gaps) {
      for (const ClockRange& part : inserted(state, client, from, after)) {
        each_struct(state, client, part, note_marks);
      }
    } else if (from != after) {
      each_struct(state, client, {from, clients_[client].state}, note_marks);
    }
  }
  TransactionState& cleaning = begin({}, true);
  each_deleted(state, state.deleted, [&](ItemRef ref) {
    const Item& item = items_[ref];
    if (item.kind() == Kind::gc || !types_[items_.parent(item)].has_formatting ||
        std::ranges::find(whole, items_.parent(item)) != whole.end()) {
      return;
    }
    if (item.kind() == Kind::format) {
      add(items_.parent(item));
    } else {
      clean_gap_around(ref);
    }
  });
  for (const TypeRef type : whole) {
    clean_formatting(type);
  }
  end(cleaning);
}

}  // namespace vivim::crdt::detail
