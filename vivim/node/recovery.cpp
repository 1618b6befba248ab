#include "vivim/node/recovery.hpp"

#include <limits>

#include "vivim/store/documents.hpp"
#include "vivim/store/search.hpp"

namespace vivim::node {

Result<std::size_t> queue_unindexed(store::Database& database) {
  const store::CompactionPolicy any{.updates_max = 0, .bytes_max = 0};
  VIVIM_TRY(const auto documents, store::Documents(database).due_for_compaction(
                                      any, std::numeric_limits<std::int32_t>::max()));
  for (const auto& document : documents) {
    VIVIM_TRYV(store::Search(database).enqueue(document));
  }
  return documents.size();
}

}  // namespace vivim::node
