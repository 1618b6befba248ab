#include <algorithm>
#include <cstring>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/block_pool_detail.hpp"

namespace vivim::crdt::detail {

void BlockPool::put_by(Ref ref, std::uint32_t list) {
  std::memcpy(at(ref), &free_[list], sizeof(Ref));
  free_[list] = ref;
}

// What is left of the last chunk is cut into blocks.
void BlockPool::put_by_rest() {
  while (used_ < k_chunk_granules) {
    std::uint32_t granules = std::min<std::uint32_t>(k_chunk_granules - used_, 8);
    const auto ref = static_cast<Ref>((chunks_.size() - 1) * k_chunk_granules + used_);
    put_by(ref, granules - 1);
    used_ += granules;
  }
}

BlockPool::Ref BlockPool::take_large(std::size_t bytes) {
  VIVIM_ASSERT(bytes <= k_bytes_max);
  Large fresh{.bytes = std::make_unique_for_overwrite<std::uint8_t[]>(bytes), .room = bytes};
  if (!large_free_.empty()) {
    const Ref index = large_free_.back();
    large_free_.pop_back();
    large_[index] = std::move(fresh);
    return index | k_large;
  }
  large_.push_back(std::move(fresh));
  return static_cast<Ref>(large_.size() - 1) | k_large;
}

BlockPool::Ref BlockPool::take(std::size_t bytes) {
  if (bytes > k_small_max) {
    return take_large(bytes);
  }
  const Room room = room_for(bytes);
  if (const Ref ref = free_[room.list]; ref != k_nothing) {
    std::memcpy(&free_[room.list], at(ref), sizeof(Ref));
    return ref;
  }
  if (k_chunk_granules - used_ < room.granules) {
    put_by_rest();
    chunks_.push_back(std::make_unique<std::uint8_t[]>(k_chunk_granules * k_granule + k_readable));
    VIVIM_ASSERT(chunks_.size() * k_chunk_granules < k_large);
    used_ = chunks_.size() == 1 ? 1 : 0;  // the first granule would be k_nothing
  }
  const auto ref = static_cast<Ref>((chunks_.size() - 1) * k_chunk_granules + used_);
  used_ += room.granules;
  return ref;
}

void BlockPool::give(Ref ref, std::size_t bytes) {
  if ((ref & k_large) == 0) {
    put_by(ref, room_for(bytes).list);
    return;
  }
  large_[ref & ~k_large] = {};
  large_free_.push_back(ref & ~k_large);
}

BlockPool::Ref BlockPool::resized(Ref ref, std::size_t before, std::size_t bytes) {
  if ((ref & k_large) == 0) {
    if (bytes <= k_small_max && room_for(before).list == room_for(bytes).list) {
      return ref;
    }
  } else if (Large& large = large_[ref & ~k_large]; bytes > k_small_max) {
    if (bytes <= large.room && bytes >= large.room / 4) {
      return ref;
    }
    VIVIM_ASSERT(bytes <= k_bytes_max);
    const std::size_t room = bytes > large.room ? std::max(bytes, 2 * large.room) : bytes;
    auto fresh = std::make_unique_for_overwrite<std::uint8_t[]>(room);
    std::memcpy(fresh.get(), large.bytes.get(), std::min(before, bytes));
    large = {.bytes = std::move(fresh), .room = room};
    return ref;
  }
  const Ref fresh = take(bytes);
  std::memcpy(at(fresh), at(ref), std::min(before, bytes));
  give(ref, before);
  return fresh;
}

}  // namespace vivim::crdt::detail
