#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/item_detail.hpp"

namespace vivim::crdt::detail {

RunList::Position RunList::find(std::uint32_t clock) const {
  VIVIM_ASSERT(!chunks_.empty());
  std::size_t chunk = chunks_.size() - 1;
  if (chunks_[chunk].front().clock > clock) {
    const auto it =
        std::ranges::upper_bound(chunks_, clock, {}, [](const auto& c) { return c.front().clock; });
    chunk = static_cast<std::size_t>(it - chunks_.begin()) - 1;
  }
  const auto& entries = chunks_[chunk];
  std::size_t slot = entries.size() - 1;
  if (entries[slot].clock > clock) {
    const auto it = std::ranges::upper_bound(entries, clock, {}, &Entry::clock);
    slot = static_cast<std::size_t>(it - entries.begin()) - 1;
  }
  return {static_cast<std::uint32_t>(chunk), static_cast<std::uint32_t>(slot)};
}

RunList::Position RunList::next(Position position) const {
  if (position.slot + 1 < chunks_[position.chunk].size()) {
    return {position.chunk, position.slot + 1};
  }
  return {position.chunk + 1, 0};
}

RunList::Position RunList::previous(Position position) const {
  if (position.slot > 0) {
    return {position.chunk, position.slot - 1};
  }
  return {position.chunk - 1, static_cast<std::uint32_t>(chunks_[position.chunk - 1].size() - 1)};
}

std::size_t RunList::count_from(Position position) const {
  std::size_t count = chunks_[position.chunk].size() - position.slot;
  for (std::size_t i = position.chunk + 1; i < chunks_.size(); ++i) {
    count += chunks_[i].size();
  }
  return count;
}

void RunList::push_back(Entry entry) {
  if (chunks_.empty() || chunks_.back().size() == k_chunk) {
    chunks_.emplace_back();
  }
  chunks_.back().push_back(entry);
  ++size_;
}

RunList::Position RunList::insert_after(Position position, Entry entry) {
  auto* entries = &chunks_[position.chunk];
  if (entries->size() >= k_chunk) {
    const auto half = static_cast<std::uint32_t>(entries->size() / 2);
    std::vector<Entry> tail(entries->begin() + half, entries->end());
    entries->resize(half);
    chunks_.insert(chunks_.begin() + position.chunk + 1, std::move(tail));
    if (position.slot >= half) {
      position = {position.chunk + 1, position.slot - half};
    }
    entries = &chunks_[position.chunk];
  }
  ++position.slot;
  entries->insert(entries->begin() + position.slot, entry);
  ++size_;
  return position;
}

void RunList::erase_after(Position position, std::size_t count) {
  size_ -= count;
  while (count > 0) {
    auto& entries = chunks_[position.chunk];
    const std::size_t here = std::min(count, entries.size() - position.slot - 1);
    if (here > 0) {
      const auto from = entries.begin() + position.slot + 1;
      entries.erase(from, from + static_cast<std::ptrdiff_t>(here));
      count -= here;
      continue;
    }
    auto& following = chunks_[position.chunk + 1];
    const std::size_t there = std::min(count, following.size());
    following.erase(following.begin(), following.begin() + static_cast<std::ptrdiff_t>(there));
    count -= there;
    if (following.empty()) {
      chunks_.erase(chunks_.begin() + position.chunk + 1);
    }
  }
}

}  // namespace vivim::crdt::detail
