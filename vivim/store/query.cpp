#include "vivim/store/query.hpp"

#include <utility>

#include <sqlite3.h>

#include "vivim/base/log.hpp"
#include "vivim/store/error.hpp"

namespace vivim::store {

void detail::FinalizeStatement::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Query::Query(Query&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)),
      cached_(std::exchange(other.cached_, nullptr)),
      next_(other.next_),
      failure_(other.failure_) {}

Query::~Query() {
  if (cached_ != nullptr) {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    cached_->in_use = false;
  } else {
    sqlite3_finalize(statement_);
  }
}

void Query::note(int code) {
  if (code != SQLITE_OK && !failure_) {
    failure_.emplace(sqlite_error(code));
  }
}

Query& Query::bind(std::int64_t value) {
  if (statement_ != nullptr) {
    note(sqlite3_bind_int64(statement_, next_++, value));
  }
  return *this;
}

Query& Query::bind(std::string_view text) {
  if (statement_ != nullptr) {
    const char* data = text.data() == nullptr ? "" : text.data();
    note(sqlite3_bind_text64(statement_, next_++, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  return *this;
}

Query& Query::bind(BytesView bytes) {
  if (statement_ != nullptr) {
    const void* data = bytes.data() == nullptr ? static_cast<const void*>("") : bytes.data();
    note(sqlite3_bind_blob64(statement_, next_++, data, bytes.size(), SQLITE_STATIC));
  }
  return *this;
}

Query& Query::bind(std::nullopt_t) {
  if (statement_ != nullptr) {
    note(sqlite3_bind_null(statement_, next_++));
  }
  return *this;
}

Result<bool> Query::step() {
  if (failure_) {
    return fail(*failure_);
  }
  switch (const int code = sqlite3_step(statement_); code) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      failure_.emplace(sqlite_error(code));
      if (failure_->is(StoreError::internal)) {  // a mistake in a statement of ours: say which
        log::write(log::Level::error, "store", sqlite3_errmsg(sqlite3_db_handle(statement_)));
      }
      return fail(*failure_);
  }
}

Result<void> Query::run() {
  for (;;) {
    VIVIM_TRY(const bool more, step());
    if (!more) {
      return {};
    }
  }
}

Result<void> Query::row() {
  VIVIM_TRY(const bool found, step());
  if (!found) {
    return fail(StoreError::not_found);
  }
  return {};
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Query::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Query::text_view(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::string_view()
                         : std::string_view(data, static_cast<std::size_t>(size));
}

BytesView Query::bytes_view(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? BytesView() : BytesView(data, static_cast<std::size_t>(size));
}

}  // namespace vivim::store
