#include "vivim/crdt/budget_detail.hpp"

namespace vivim::crdt::detail {
namespace {

// What the standard containers add to what they hold: a growing vector is up to three times as
// large while it moves, a node of a map has its links and its share of the table. Measured by
// crdt_test "budget: no update takes more memory than its size allows".
constexpr std::uint64_t k_struct_cost = 128 + 128;  // WireStruct; Item, run, marks
constexpr std::uint64_t k_regrown_cost = 2 * 128;
constexpr std::uint64_t k_group_cost = 1024;
constexpr std::uint64_t k_deleted_cost = 96;
constexpr std::uint64_t k_type_cost = 192;
constexpr std::uint64_t k_document_cost = 512;
constexpr std::uint64_t k_root_cost = 448;
constexpr std::uint64_t k_key_cost = 192;
constexpr std::uint64_t k_values_cost = 128;

}  // namespace

Result<void> MemoryBudget::charge(std::uint64_t bytes) {
  if (bytes > left_) {
    return fail(CrdtError::too_costly, bytes);
  }
  left_ -= bytes;
  return {};
}

Result<void> MemoryBudget::group(std::uint64_t structs, bool again) {
  if (structs > left_ / k_struct_cost) {
    return fail(CrdtError::too_costly, structs);
  }
  return charge(again ? structs * (k_struct_cost + k_regrown_cost)
                      : structs * k_struct_cost + k_group_cost);
}

Result<void> MemoryBudget::content(const WireStruct& item) {
  std::uint64_t cost = 0;
  switch (item.kind) {
    case Kind::skip:
      return {};
    case Kind::gc:
    case Kind::deleted:
      cost = k_deleted_cost;
      break;
    case Kind::type:
      cost = k_type_cost;
      break;
    case Kind::doc:
      cost = k_document_cost;
      break;
    case Kind::string:
      break;
    default:
      cost = k_values_cost;
  }
  if (item.parent == ParentRef::root && item.root != root_) {
    cost += k_root_cost;
    root_ = item.root;
  }
  if (item.has_key) {
    cost += k_key_cost;
  }
  return cost == 0 ? Result<void>() : charge(cost);
}

}  // namespace vivim::crdt::detail
