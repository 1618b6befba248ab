#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/delete_set.hpp"
#include "vivim/crdt/id.hpp"

namespace vivim::crdt {

/// Operations of one client that stand in an update without a gap.
struct WrittenRange {
  ClientId client{};
  ClockRange clocks;
  friend bool operator==(const WrittenRange&, const WrittenRange&) = default;
};

/// Whose operations an update holds.
struct UpdateExtent {
  std::vector<WrittenRange> written;  ///< in the order of the update; Skip structs are gaps
  bool deletes = false;               ///< it deletes something
};

/// Reads an update v1 without a document, and without its content. Errors: decode errors.
Result<UpdateExtent> extent_of(BytesView update);

/// What without() does with what the update deletes.
enum class Deletions : std::uint8_t { keep, drop };

/// Says of a run, as extent_of() gives them, from which clock on it is left out: its end keeps all
/// of it, its beginning nothing.
using CutAt = std::function<std::uint64_t(const WrittenRange&)>;

/// The update v1 without the operations that are left out. A struct that cannot be cut there is
/// left out whole. Errors: decode errors.
Result<Bytes> without(BytesView update, const CutAt& cut_at, Deletions deletions = Deletions::keep);

}  // namespace vivim::crdt
