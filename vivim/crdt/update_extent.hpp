#pragma once

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

/// The update v1 without the structs for which `left_out` says so, asked run by run as extent_of()
/// gives them; what is deleted stays. Errors: decode errors.
Result<Bytes> without(BytesView update, const std::function<bool(const WrittenRange&)>& left_out);

}  // namespace vivim::crdt
