#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/run_list_detail.hpp"

namespace vivim::crdt::detail {

namespace {

// The last of `count` (at least 1) sorted elements whose clock is not above `clock`, or the first.
// Without branches: which half it is in cannot be foreseen.
template <class Element, class ClockOf>
std::size_t last_not_above(const Element* elements, std::size_t count, std::uint32_t clock,
                           ClockOf clock_of) {
  const Element* base = elements;
  while (count > 1) {
    const std::size_t half = count / 2;
    base = clock_of(base[half]) <= clock ? base + half : base;
    count -= half;
  }
  return static_cast<std::size_t>(base - elements);
}

}  // namespace

RunList::Position RunList::find(const Items& items, std::uint32_t clock) const {
  VIVIM_ASSERT(!chunks_.empty());
  if (items[chunks_.back().back()].clock <= clock) {
    return last();
  }
  std::size_t chunk = recent_.chunk;
  if (chunk >= chunks_.size() || clock < firsts_[chunk] ||
      (chunk + 1 < chunks_.size() && firsts_[chunk + 1] <= clock)) {
    chunk = clock >= firsts_.back() ? firsts_.size() - 1
                                    : last_not_above(firsts_.data(), firsts_.size(), clock,
                                                     [](std::uint32_t first) { return first; });
  } else {
    const auto& runs = chunks_[chunk];
    for (std::uint32_t slot = recent_.slot;
         slot < std::min<std::size_t>(recent_.slot + 2, runs.size()); ++slot) {
      if (items[runs[slot]].covers(clock)) {
        return recent_ = {recent_.chunk, slot};
      }
    }
  }
  const auto& runs = chunks_[chunk];
  const std::size_t slot = last_not_above(runs.data(), runs.size(), clock,
                                          [&](ItemRef run) { return items[run].clock; });
  return recent_ = {static_cast<std::uint32_t>(chunk), static_cast<std::uint32_t>(slot)};
}

void RunList::expect(std::uint32_t clocks, std::size_t count) {
  forget();
  if (clocks <= count * std::uint64_t{k_clocks_max}) {
    expected_max_ = clocks;
    begins_.resize(clocks / k_begins + 1);
    expected_.resize(count + 1, k_none);
    expected_count_ = 1;
  }
}

void RunList::forget() {
  begins_ = std::vector<Begins>();  // and not {}, which keeps the room
  expected_ = std::vector<ItemRef>();
  expected_span_ = expected_max_ = expected_count_ = 0;
}

void RunList::add_chunk(std::uint32_t first) {
  const bool more = !chunks_.empty();
  chunks_.emplace_back();
  if (more) {  // who has written so much goes on
    chunks_.back().reserve(k_chunk);
  }
  firsts_.push_back(first);
}

std::size_t RunList::count_from(Position position) const {
  std::size_t count = chunks_[position.chunk].size() - position.slot;
  for (std::size_t i = position.chunk + 1; i < chunks_.size(); ++i) {
    count += chunks_[i].size();
  }
  return count;
}

RunList::Position RunList::insert_after(const Items& items, Position position, ItemRef item) {
  auto* runs = &chunks_[position.chunk];
  if (runs->size() >= k_chunk) {
    const auto half = static_cast<std::uint32_t>(runs->size() / 2);
    std::vector<ItemRef> tail(runs->begin() + half, runs->end());
    runs->resize(half);
    firsts_.insert(firsts_.begin() + position.chunk + 1, items[tail.front()].clock);
    chunks_.insert(chunks_.begin() + position.chunk + 1, std::move(tail));
    if (position.slot >= half) {
      position = {position.chunk + 1, position.slot - half};
    }
    runs = &chunks_[position.chunk];
  }
  ++position.slot;
  runs->insert(runs->begin() + position.slot, item);
  ++size_;
  return position;
}

void RunList::erase_after(const Items& items, Position position, std::size_t count) {
  size_ -= count;
  while (count > 0) {
    auto& runs = chunks_[position.chunk];
    const std::size_t here = std::min(count, runs.size() - position.slot - 1);
    if (here > 0) {
      const auto from = runs.begin() + position.slot + 1;
      runs.erase(from, from + static_cast<std::ptrdiff_t>(here));
      count -= here;
      continue;
    }
    auto& following = chunks_[position.chunk + 1];
    const std::size_t there = std::min(count, following.size());
    following.erase(following.begin(), following.begin() + static_cast<std::ptrdiff_t>(there));
    count -= there;
    if (following.empty()) {
      chunks_.erase(chunks_.begin() + position.chunk + 1);
      firsts_.erase(firsts_.begin() + position.chunk + 1);
    } else {
      firsts_[position.chunk + 1] = items[following.front()].clock;
    }
  }
}

}  // namespace vivim::crdt::detail
