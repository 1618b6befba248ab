#pragma once

#include "vivim/base/result.hpp"
#include "vivim/store/database.hpp"

namespace vivim::node {

/// After a kill: what was edited shortly before may not be in the index and the list. Queues every
/// document that has updates after its snapshot to be indexed again; returns how many.
Result<std::size_t> queue_unindexed(store::Database& database);

}  // namespace vivim::node
