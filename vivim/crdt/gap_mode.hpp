#pragma once

#include <cstdint>

namespace vivim::crdt {

/// What a document does with an operation that comes before an earlier one of its client (the gap).
/// `v13`: it waits, with all that follows of that client, as in Yjs 13. `v14`: it is integrated
/// when what it refers to is there, and the gap is filled later, as in Yjs 14. The same updates
/// make the same document in both; until all of them have come, v14 shows more
/// (docs/protocol/crdt.md#updates-that-come-too-early).
enum class GapMode : std::uint8_t { v13, v14 };

}  // namespace vivim::crdt
