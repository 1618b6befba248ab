#pragma once

#include <cstdint>

namespace vivim::crdt {

/// How an update is written. v1 is what peers speak; v2 keeps each field in a column of its own,
/// which makes large updates smaller. The content is the same, and nothing in the bytes says which
/// it is. Snapshots have both forms too; state vectors have one.
enum class UpdateFormat : std::uint8_t { v1, v2 };

}  // namespace vivim::crdt
