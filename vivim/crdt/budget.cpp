#include <utility>

#include "vivim/crdt/budget_detail.hpp"
#include "vivim/crdt/item_detail.hpp"
#include "vivim/crdt/run_list_detail.hpp"

namespace vivim::crdt::detail {
namespace {

// What the standard containers add to what they hold: a growing vector is up to three times as
// large while it moves, a node of a map has its links and its share of the table. Measured by
// crdt_test "budget: no update takes more memory than its size allows".
constexpr std::uint64_t k_grown = 3;
// As it was read, as an item, in its client's runs; marks of conflict scans, which grow by half.
constexpr std::uint64_t k_struct_cost = sizeof(WireStruct) + sizeof(Item) + sizeof(ItemRef) +
                                        RunList::k_expected_bytes_max + 5 * sizeof(std::uint32_t);
constexpr std::uint64_t k_regrown_cost = (k_grown - 1) * sizeof(WireStruct);
constexpr std::uint64_t k_shape_cost = k_grown * sizeof(Shape) + 4 * sizeof(ShapeRef);
constexpr std::uint64_t k_group_cost = 1024;
constexpr std::uint64_t k_type_cost = 192;
constexpr std::uint64_t k_document_cost = 512;
constexpr std::uint64_t k_root_cost = 448;
constexpr std::uint64_t k_key_cost = 192;
constexpr std::uint64_t k_values_cost = 128;

}  // namespace

Result<void> MemoryBudget::group(std::uint64_t structs, bool again) {
  if (structs > left_ / k_struct_cost) {
    return fail(CrdtError::too_costly, structs);
  }
  return charge(again ? structs * (k_struct_cost + k_regrown_cost)
                      : structs * k_struct_cost + k_group_cost);
}

// Of a series of structs with one shape the first pays for it.
bool MemoryBudget::other_shape(const WireStruct& item) {
  const ShapeOf shape = shape_of(item);
  return std::exchange(shape_, shape) != shape;
}

Result<void> MemoryBudget::more_content(const WireStruct& item) {
  const bool bare = item.kind == Kind::skip || item.kind == Kind::gc;
  std::uint64_t cost = !bare && other_shape(item) ? k_shape_cost : 0;
  switch (item.kind) {
    case Kind::skip:  // as a gap it is a range, too (engine_gaps.cpp)
    case Kind::gc:
    case Kind::deleted:
      cost += k_deleted_cost;
      break;
    case Kind::type:
      cost += k_type_cost;
      break;
    case Kind::doc:
      cost += k_document_cost;
      break;
    case Kind::string:
      break;
    default:
      cost += k_values_cost;
  }
  if (item.parent == ParentRef::root && item.root != root_) {
    cost += k_root_cost;
    root_ = item.root;
  }
  if (item.has_key) {
    cost += k_key_cost;
  }
  return charge(cost);
}

}  // namespace vivim::crdt::detail
