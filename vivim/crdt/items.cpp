#include "vivim/base/assert.hpp"
#include "vivim/crdt/item_detail.hpp"

namespace vivim::crdt::detail {

namespace {

std::uint64_t hash_of(const Shape& shape) {
  constexpr std::uint64_t k_factor = 0x9e37'79b9'7f4a'7c15;
  std::uint64_t hash = (std::uint64_t{shape.client} << 32 | shape.origin) * k_factor;
  hash =
      (hash ^ (hash >> 29) ^ (std::uint64_t{shape.right_origin} << 32 | shape.parent)) * k_factor;
  hash = (hash ^ (hash >> 29) ^ shape.key) * k_factor;
  return hash ^ (hash >> 32);
}

}  // namespace

ShapeRef ShapeTable::look_up(const Shape& shape) {
  if (4 * (shapes_.size() + 1) > 3 * slots_.size()) {
    rehash();
  }
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash_of(shape) & mask;
  while (slots_[slot] != k_none && shapes_[slots_[slot]] != shape) {
    slot = (slot + 1) & mask;
  }
  if (slots_[slot] == k_none) {
    VIVIM_ASSERT(shapes_.size() < k_none);
    slots_[slot] = static_cast<ShapeRef>(shapes_.size());
    shapes_.push_back(shape);
  }
  return last_ = slots_[slot];
}

void ShapeTable::rehash() {
  constexpr std::size_t k_slots_min = 16;
  slots_.assign(std::max(k_slots_min, 2 * slots_.size()), k_none);
  const std::size_t mask = slots_.size() - 1;
  for (ShapeRef ref = 0; ref < shapes_.size(); ++ref) {
    std::size_t slot = hash_of(shapes_[ref]) & mask;
    while (slots_[slot] != k_none) {
      slot = (slot + 1) & mask;
    }
    slots_[slot] = ref;
  }
}

void Items::add_chunk() {
  VIVIM_ASSERT(used_ < k_none - k_chunk);
  chunks_.push_back(std::make_unique<Item[]>(k_chunk));
}

}  // namespace vivim::crdt::detail
