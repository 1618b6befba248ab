#include "vivim/store/imports.hpp"

#include "vivim/store/error.hpp"

namespace vivim::store {

Result<std::int64_t> Imports::begin(std::string_view source, rt::WallMs now) {
  VIVIM_TRYV(db_.run("INSERT INTO imports(source, started, bytes, report) VALUES(?, ?, 0, '')",
                     source, now));
  const std::int64_t id = db_.last_row_id();
  VIVIM_TRYV(
      db_.run("DELETE FROM imports WHERE id <= ?", id - static_cast<std::int64_t>(k_imports_max)));
  return id;
}

Result<void> Imports::finish(std::int64_t id, rt::WallMs now, std::uint64_t bytes,
                             std::string_view report) {
  VIVIM_TRYV(db_.run("UPDATE imports SET finished = ?, bytes = ?, report = ? WHERE id = ?", now,
                     bytes, report, id));
  return db_.changes() == 1 ? Result<void>() : fail(StoreError::not_found);
}

Result<std::vector<ImportRow>> Imports::list(std::size_t limit) {
  Query query = db_.query(
      "SELECT id, source, started, finished, bytes, report FROM imports ORDER BY id DESC LIMIT ?",
      limit);
  std::vector<ImportRow> rows;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return rows;
    }
    rows.push_back({.id = query.integer(0),
                    .source = query.text(1),
                    .started = query.integer(2),
                    .finished = query.is_null(3) ? std::nullopt : std::optional(query.integer(3)),
                    .bytes = static_cast<std::uint64_t>(query.integer(4)),
                    .report = query.text(5)});
  }
}

}  // namespace vivim::store
