#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/result.hpp"
#include "vivim/rt/clock.hpp"
#include "vivim/store/database.hpp"

namespace vivim::store {

/// Imports remembered; older ones are forgotten.
inline constexpr std::size_t k_imports_max = 1000;

struct ImportRow {
  std::int64_t id = 0;
  std::string source;  ///< the file or folder as it was given
  rt::WallMs started = 0;
  std::optional<rt::WallMs> finished;  ///< none: running, or it was interrupted
  std::uint64_t bytes = 0;
  std::string report;  ///< JSON, made by the importer
};

/// Which imports were made: bookkeeping for people. What was imported is known by the conversations
/// themselves.
class Imports {
 public:
  explicit Imports(Database& database) : db_(database) {}

  Result<std::int64_t> begin(std::string_view source, rt::WallMs now);
  /// Errors: not_found.
  Result<void> finish(std::int64_t id, rt::WallMs now, std::uint64_t bytes,
                      std::string_view report);
  /// Newest first.
  Result<std::vector<ImportRow>> list(std::size_t limit);

 private:
  Database& db_;
};

}  // namespace vivim::store
