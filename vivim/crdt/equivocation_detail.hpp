#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "vivim/crdt/equivocation.hpp"
#include "vivim/crdt/item_detail.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt::detail {

/// Stretches of `update` that have content and that a document whose clients are at `state` has
/// too, but for gaps. At most as long as the update's bytes.
template <class State>
std::vector<std::pair<std::span<const WireStruct>, ClockRange>> repeated(
    const DecodedUpdate& update, State&& state) {
  const auto has_content = [](const WireStruct& item) {
    return item.kind != Kind::gc && item.kind != Kind::deleted && item.kind != Kind::skip;
  };
  std::vector<std::pair<std::span<const WireStruct>, ClockRange>> found;
  for (const auto& group : update.groups) {
    if (group.empty()) {
      continue;
    }
    const std::uint64_t known = state(group.front().client);
    for (std::size_t i = 0; i < group.size() && group[i].clock < known; ++i) {
      if (!has_content(group[i])) {
        continue;
      }
      const std::size_t first = i;
      while (i + 1 < group.size() && group[i + 1].clock < known && has_content(group[i + 1]) &&
             group[i + 1].clock == group[i].end()) {
        ++i;
      }
      found.emplace_back(std::span(group).subspan(first, i - first + 1),
                         ClockRange{group[first].clock, std::min(group[i].end(), known)});
    }
  }
  return found;
}

/// Where two series of structs of one client, both without gaps, first differ within `range`.
/// Nothing: nowhere, as far as both have content.
std::optional<ClockRange> first_difference(std::span<const WireStruct> ours,
                                           std::span<const WireStruct> theirs, ClockRange range);

/// The structs of `items` in `range`, the first cut, as an update v1.
Bytes as_update(std::span<const WireStruct> items, ClockRange range);

/// What was found and not taken.
class Evidence {
 public:
  void add(Equivocation found);
  std::vector<Equivocation> take();
  std::uint64_t count() const { return count_; }

 private:
  std::vector<Equivocation> found_;
  std::size_t bytes_ = 0;
  std::uint64_t count_ = 0;
};

/// Who sent which clocks of each client: where each sender begins. Bounded: a client of many
/// senders is unknown after the first.
class Senders {
 public:
  void sent(ClientIndex client, std::uint64_t clock, Origin origin);
  /// `range`, which lies before what was sent last, came from `origin`. Where there is no room for
  /// that, the sender around it becomes unknown.
  void filled(ClientIndex client, ClockRange range, Origin origin);
  Origin of(ClientIndex client, std::uint64_t clock) const;

 private:
  static constexpr std::size_t k_senders_max = 16;
  struct Part {
    std::uint64_t from = 0;
    Origin origin;
  };
  std::vector<std::vector<Part>> parts_;
};

}  // namespace vivim::crdt::detail
