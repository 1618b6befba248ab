#pragma once

#include "vivim/base/result.hpp"

namespace vivim::store {

enum class StoreError {
  not_found,     ///< local: no such document, blob, grant or row
  exists,        ///< local: an id or a (provider, original id) is taken
  locked,        ///< local: another process has this home open
  busy,          ///< transient: the database is in use by another connection
  newer_schema,  ///< local: written by a newer program; detail: its schema version
  not_vivim,     ///< local: the file is another application's database
  corrupt,       ///< local: the file is damaged; detail: SQLite's extended code
  full,          ///< transient: no space left; nothing was lost, try again after making room
  io,            ///< local: reading or writing the disk failed; detail: SQLite's extended code
  read_only,     ///< local: an earlier write failed, so no more is written until a restart
  closed,        ///< transient: the store is being closed
  too_large,     ///< local: more bytes than a limit allows; detail: the size
  malformed,     ///< local: an argument cannot be what it says (a cursor, an id, compressed bytes)
  constraint,    ///< local: the row breaks a rule of the schema
  internal,      ///< local: SQLite refused a statement of ours; detail: its extended code
};
const ErrorDomain& error_domain(StoreError);

/// The error for a SQLite result code (primary or extended; never SQLITE_OK, ROW or DONE).
Error sqlite_error(int code, std::source_location site = std::source_location::current());

}  // namespace vivim::store
