#include <algorithm>
#include <unordered_map>

#include "vivim/crdt/known_detail.hpp"

namespace vivim::crdt::detail {
namespace {

// Whether `range` is within one of `ranges`, which are sorted and merged.
bool within(const std::vector<ClockRange>& ranges, const ClockRange& range) {
  const auto it = std::ranges::upper_bound(ranges, range.from, {}, &ClockRange::from);
  return it != ranges.begin() && range.to <= std::prev(it)->to;
}

}  // namespace

bool Known::lacks(const DecodedUpdate& update) const {
  std::unordered_map<std::uint64_t, std::uint64_t> reach;
  for (const auto& group : update.groups) {
    if (group.empty()) {
      continue;
    }
    std::uint64_t end = state_of(group.front().client);
    for (const WireStruct& item : group) {
      if (item.clock > end) {
        return true;
      }
      if (item.kind != Kind::skip) {
        end = std::max(end, item.end());
      }
    }
    reach.emplace(group.front().client, end);
  }
  const auto unknown = [&](const Id& id) {
    const auto it = reach.find(value_of(id.client));
    return id.clock >= (it == reach.end() ? state_of(value_of(id.client)) : it->second);
  };
  for (const auto& group : update.groups) {
    for (const WireStruct& item : group) {
      if ((item.has_origin && unknown(item.origin)) ||
          (item.has_right_origin && unknown(item.right_origin)) ||
          (item.parent == ParentRef::item && unknown(item.parent_item))) {
        return true;
      }
    }
  }
  return std::ranges::any_of(update.deletes, [&](const auto& entry) {
    return unknown({ClientId{entry.first}, entry.second.back().to - 1});
  });
}

bool Known::covers(const DecodedUpdate& update) const {
  for (const auto& group : update.groups) {
    for (const WireStruct& item : group) {
      if (item.kind != Kind::skip && item.end() > state_of(item.client)) {
        return false;
      }
    }
  }
  return std::ranges::all_of(update.deletes, [&](const auto& entry) {
    const auto it = deletes_.find(entry.first);
    return it != deletes_.end() && std::ranges::all_of(entry.second, [&](const ClockRange& range) {
             return within(it->second, range);
           });
  });
}

void Known::add(const DecodedUpdate& update) {
  for (const auto& group : update.groups) {
    for (const WireStruct& item : group) {
      if (item.kind == Kind::skip) {
        continue;
      }
      std::uint64_t& state = state_[ClientId{item.client}];
      state = std::max(state, item.end());
      if (item.kind == Kind::gc || item.kind == Kind::deleted) {
        deletes_[item.client].push_back({item.clock, item.end()});
      }
    }
  }
  for (const auto& [client, ranges] : update.deletes) {
    auto& all = deletes_[client];
    all.insert(all.end(), ranges.begin(), ranges.end());
  }
  for (auto& [client, ranges] : deletes_) {
    normalise(ranges);
  }
}

}  // namespace vivim::crdt::detail
