#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/engine_detail.hpp"

namespace vivim::crdt::detail {

void Engine::note_missing(std::uint64_t client, std::uint64_t clock) {
  const auto [it, fresh] = missing_.emplace(client, clock);
  if (!fresh) {
    it->second = std::min(it->second, clock);
  }
}

// Whether something is here now that was not when it was missed.
bool Engine::heard_of_missing() const {
  return std::ranges::any_of(
      missing_, [&](const auto& entry) { return entry.second < state_of(entry.first); });
}

void Engine::park(Bytes update) {
  if (update.empty()) {
    return;
  }
  pending_bytes_ += update.size();
  pending_.push_back(std::move(update));
  constexpr std::size_t k_small = 4096;
  if (pending_bytes_ > 2 * pending_compacted_bytes_ + k_small && pending_.size() > 64) {
    compact_pending();
  }
}

Bytes Engine::parked_structs() const {
  auto merged = pending_.empty() ? Result<Bytes>(Bytes()) : merge_parked();
  return VIVIM_BUG(!merged.has_value()) ? Bytes() : std::move(*merged);
}

Result<Bytes> Engine::merge_parked() const {
  if (pending_.size() == 1) {
    return pending_.front();
  }
  if (!over_gaps()) {
    return merge_updates(std::vector<BytesView>(pending_.begin(), pending_.end()));
  }
  std::vector<UpdatePart> parts;
  for (const Bytes& update : pending_) {
    parts.push_back({.bytes = update, .format = UpdateFormat::v1});
  }
  return merge_parts(parts, UpdateFormat::v1, GapMode::v14);
}

Bytes Engine::parked_deletes() const {
  UpdateEncoderV1 out;
  out.rest().var_uint(0);
  write_deletes(out, pending_deletes_);
  return out.take();
}

// Makes one update of all that is parked; what came more than once is kept once.
void Engine::compact_pending() {
  if (pending_.size() > 1) {
    if (auto merged = merge_parked()) {
      pending_.clear();
      pending_.push_back(std::move(*merged));
    }
  }
  pending_bytes_ = pending_.empty() ? 0 : pending_.front().size();
  pending_compacted_bytes_ = pending_bytes_;
}

// Whether some part of `update` has to wait, as far as one pass over it can tell.
bool Engine::would_park(const DecodedUpdate& update) const {
  if (over_gaps()) {
    return would_park_over_gaps(update);
  }
  std::unordered_map<std::uint64_t, std::uint64_t> reach;
  for (const auto& group : update.groups) {
    std::uint64_t end = group.empty() ? 0 : state_of(group.front().client);
    for (const WireStruct& item : group) {
      if (item.clock > end) {
        return true;
      }
      end = std::max(end, item.kind == Kind::skip ? end : item.end());
    }
    if (!group.empty()) {
      reach[group.front().client] = end;
    }
  }
  const auto known = [&](const Id& id) {
    const auto it = reach.find(value_of(id.client));
    return id.clock < (it == reach.end() ? state_of(value_of(id.client)) : it->second);
  };
  for (const auto& group : update.groups) {
    for (const WireStruct& item : group) {
      if ((item.has_origin && !known(item.origin)) ||
          (item.has_right_origin && !known(item.right_origin)) ||
          (item.parent == ParentRef::item && !known(item.parent_item))) {
        return true;
      }
    }
  }
  return std::ranges::any_of(update.deletes, [&](const auto& entry) {
    return !known({ClientId{entry.first}, entry.second.back().to - 1});
  });
}

Result<void> Engine::check_room(const DecodedUpdate& update, std::size_t bytes) {
  const auto in_use = [&] {
    std::size_t ranges = 0;
    for (const auto& [client, parked] : pending_deletes_) {
      ranges += 4 + parked.size();
    }
    return pending_bytes_ + ranges * sizeof(ClockRange);
  };
  // Each struct may cut two runs, each deletion too; and where there are gaps it may make one, or
  // fill many.
  const std::size_t per_struct = over_gaps() ? 4 : 3;
  std::size_t items = items_.capacity() + per_struct * update.structs.size();
  for (const auto& [client, ranges] : update.deletes) {
    items += 2 * ranges.size();
  }
  if (items > k_items_max) {
    return fail(CrdtError::too_many, items);
  }
  if (!has_pending() || in_use() + bytes <= k_pending_bytes_max || !would_park(update)) {
    return {};
  }
  compact_pending();
  if (in_use() + bytes > k_pending_bytes_max) {
    return fail(CrdtError::too_much_pending, in_use());
  }
  return {};
}

}  // namespace vivim::crdt::detail
