#pragma once

#include <functional>
#include <string>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/store/database.hpp"
#include "vivim/store/ids.hpp"

namespace vivim::store {

/// One thing that was looked at.
struct Check {
  std::string name;
  bool ok = false;
  std::string detail;  ///< what was counted, or the first things that were found wrong
};

/// Says whether a snapshot or update can be decoded; the store itself does not know their format.
using UpdateReader = std::function<bool(BytesView update)>;

/// Everything that `vivim doctor` asks of the database: SQLite's own integrity_check, foreign keys,
/// the full-text index against its texts, every blob against its hash, the logs' sequence numbers,
/// and every update through `reader` (may be empty). Reads all of it: O(size).
std::vector<Check> examine(Database& database, const UpdateReader& reader = {});

}  // namespace vivim::store
