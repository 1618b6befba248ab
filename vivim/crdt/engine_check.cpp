#include "vivim/crdt/engine_detail.hpp"

namespace vivim::crdt::detail {
namespace {

// Whether the list from `start` is linked both ways and belongs to `type`; adds up what is visible.
bool check_list(const Items& items, TypeRef type, ItemRef start, ItemRef tail,
                std::uint32_t& visible) {
  ItemRef previous = k_none;
  for (ItemRef ref = start; ref != k_none; ref = items[ref].right()) {
    if (items[ref].left() != previous || items.parent(items[ref]) != type) {
      return false;
    }
    visible += items[ref].visible();
    previous = ref;
  }
  return previous == tail;
}

// Whether a zone is what it says: side by side and in order from the first place behind the origin.
bool check_zone(const Items& items, const ConflictZone& zone) {
  ItemRef at = zone.first;
  for (const auto& [client, ref] : zone.items) {
    if (ref != at || !items[ref].zoned() || !zone.takes(items, items[ref])) {
      return false;
    }
    at = items[at].right();
  }
  return true;
}

}  // namespace

bool Engine::consistent() const {
  if (zone_ && !check_zone(items_, *zone_)) {
    return false;
  }
  for (ClientIndex index = 0; index < clients_.size(); ++index) {
    const Client& client = clients_[index];
    std::uint32_t clock = 0;
    std::uint32_t gaps = 0;
    bool behind_gap = false;
    if (!client.runs.empty()) {
      for (auto position = client.runs.find(items_, 0);; position = client.runs.next(position)) {
        const Item& item = items_[client.runs.at(position)];
        if (items_.client(item) != index || item.clock != clock || item.len == 0) {
          return false;
        }
        if (item.kind() == Kind::skip) {
          // What comes before a gap or behind it is no gap, and the last run is none.
          if (behind_gap || client.runs.is_last(position) ||
              (gaps++ == 0 && client.first_gap != clock)) {
            return false;
          }
        }
        behind_gap = item.kind() == Kind::skip;
        clock = item.end();
        if (client.runs.is_last(position)) {
          break;
        }
      }
    }
    if (clock != client.state || gaps != client.gaps) {
      return false;
    }
  }
  for (TypeRef ref = 0; ref < types_.size(); ++ref) {
    const Type& type = types_[ref];
    std::uint32_t visible = 0;
    if (!check_list(items_, ref, type.start, type.tail, visible) || visible != type.length ||
        (type.sequence && !type.sequence->consistent(type.start))) {
      return false;
    }
    for (const KeyMap::Entry& entry : type.map.entries()) {
      if (items_[entry.item].right() != k_none || items_.key(items_[entry.item]) != entry.key) {
        return false;
      }
    }
    if (type.cursor != k_none) {
      std::uint32_t before = 0;
      for (ItemRef at = type.start; at != k_none && at != type.cursor; at = items_[at].right()) {
        before += items_[at].visible();
      }
      if (before != type.cursor_start) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace vivim::crdt::detail
