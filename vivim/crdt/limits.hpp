#pragma once

#include <cstddef>
#include <cstdint>

/// What a single update may cost whoever takes it (docs/protocol/yjs.md#what-an-update-may-cost).
/// Every reader of updates refuses more with too_costly, every document postpones the rest.
namespace vivim::crdt {

/// Most memory that an update may take when it is decoded and integrated: for each of its bytes,
/// and for any update (columns of v2 hold what repeats in no bytes at all).
inline constexpr std::uint64_t k_update_memory_per_byte = 64;
inline constexpr std::uint64_t k_update_memory_min = std::uint64_t{8} << 20;

/// Most steps of one apply_update: a struct placed, a struct passed on the way to a place, some
/// bytes moved by a cut. For each byte of the update, and for any update. What is left waits in the
/// document and goes on with the next one.
inline constexpr std::int64_t k_apply_steps_per_byte = 256;
inline constexpr std::int64_t k_apply_steps_min = std::int64_t{16} << 20;

/// How deep types may be nested; what is deeper waits, and is passed on, but never shown.
inline constexpr std::uint32_t k_nesting_max = 1024;

}  // namespace vivim::crdt
