#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"

struct sqlite3_stmt;

namespace vivim::store {

namespace detail {
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const;
};
using StatementPointer = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;
}  // namespace detail

/// A statement that the Database keeps prepared.
struct CachedStatement {
  detail::StatementPointer statement;
  bool in_use = false;
};

/// One execution of a prepared statement; gives the statement back when it goes. Made by
/// Database::query().
class Query {
 public:
  Query(Query&& other) noexcept;
  Query& operator=(Query&&) = delete;
  ~Query();

  Query& bind(std::int64_t value);
  Query& bind(std::string_view text);
  Query& bind(BytesView bytes);
  Query& bind(std::nullopt_t);
  Query& bind(const char* text) { return bind(std::string_view(text)); }
  Query& bind(const std::string& text) { return bind(std::string_view(text)); }
  Query& bind(const Bytes& bytes) { return bind(BytesView(bytes)); }
  template <std::integral T>
  Query& bind(T value) {
    return bind(static_cast<std::int64_t>(value));
  }
  template <class T>
    requires requires(const T& id) {
      { id.view() } -> std::convertible_to<BytesView>;
    }
  Query& bind(const T& id) {
    return bind(BytesView(id.view()));
  }
  template <class T>
  Query& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind(std::nullopt);
  }

  /// True: a row is there to be read; false: the end.
  Result<bool> step();
  /// Steps to the end, ignoring rows.
  Result<void> run();
  /// Steps once; StoreError::not_found if there is no row.
  Result<void> row();

  /// Columns of the current row, from 0. Wrong types give 0 or empty, as SQLite converts.
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  /// Valid until the next step().
  std::string_view text_view(int column) const;
  BytesView bytes_view(int column) const;
  std::string text(int column) const { return std::string(text_view(column)); }
  Bytes bytes(int column) const { return to_bytes(bytes_view(column)); }

 private:
  friend class Database;
  Query(sqlite3_stmt* statement, CachedStatement* cached)
      : statement_(statement), cached_(cached) {}
  explicit Query(Error failure) : failure_(failure) {}
  void note(int code);

  sqlite3_stmt* statement_ = nullptr;
  CachedStatement* cached_ = nullptr;  ///< null: the statement is this query's own
  int next_ = 1;
  std::optional<Error> failure_;
};

}  // namespace vivim::store
