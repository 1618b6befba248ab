#include "vivim/store/error.hpp"

#include <sqlite3.h>

namespace vivim::store {
namespace {

ErrorInfo describe(int code) {
  switch (static_cast<StoreError>(code)) {
    case StoreError::not_found:
      return {"not_found", "there is no such thing in the store", Blame::local};
    case StoreError::exists:
      return {"exists", "it is in the store already", Blame::local};
    case StoreError::locked:
      return {"locked", "another vivim process is using this home", Blame::local};
    case StoreError::busy:
      return {"busy", "the database is busy", Blame::transient};
    case StoreError::newer_schema:
      return {"newer_schema", "the database was written by a newer version of vivim", Blame::local};
    case StoreError::not_vivim:
      return {"not_vivim", "the file is the database of another application", Blame::local};
    case StoreError::corrupt:
      return {"corrupt", "the database file is damaged", Blame::local};
    case StoreError::full:
      return {"full", "the disk is full", Blame::transient};
    case StoreError::io:
      return {"io", "reading or writing the database failed", Blame::local};
    case StoreError::read_only:
      return {"read_only", "the store is read-only since a write failed", Blame::local};
    case StoreError::closed:
      return {"closed", "the store is closed", Blame::transient};
    case StoreError::too_large:
      return {"too_large", "larger than the store allows", Blame::local};
    case StoreError::malformed:
      return {"malformed", "not in the expected form", Blame::local};
    case StoreError::constraint:
      return {"constraint", "the row breaks a rule of the schema", Blame::local};
    case StoreError::internal:
      return {"internal", "the database refused a statement", Blame::local};
  }
  return {"unknown", "unknown error", Blame::local};
}

StoreError classify(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return StoreError::busy;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      return StoreError::corrupt;
    case SQLITE_FULL:
      return StoreError::full;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return StoreError::io;
    case SQLITE_READONLY:
      return StoreError::read_only;
    case SQLITE_CONSTRAINT:
      return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY
                 ? StoreError::exists
                 : StoreError::constraint;
    case SQLITE_TOOBIG:
      return StoreError::too_large;
    default:
      return StoreError::internal;
  }
}

}  // namespace

const ErrorDomain& error_domain(StoreError) {
  static constexpr ErrorDomain k_domain{"store", describe};
  return k_domain;
}

Error sqlite_error(int code, std::source_location site) {
  return {classify(code), static_cast<std::uint64_t>(code), site};
}

}  // namespace vivim::store
