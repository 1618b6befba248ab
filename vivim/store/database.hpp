#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/rt/disk.hpp"
#include "vivim/store/error.hpp"
#include "vivim/store/query.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace vivim::store {

class DiskVfs;

/// The schema version that this program writes.
inline constexpr int k_schema_version = 6;
/// After an unclean end, a database up to this size is checked page by page before it is used.
inline constexpr std::uint64_t k_quick_check_bytes_max = 512ULL << 20;

struct DatabaseOptions {
  /// The file: a path of the operating system, or of `disk`.
  std::string path;
  /// Where the file lives; null: the operating system's files, through SQLite's own VFS.
  rt::Disk* disk = nullptr;
  std::uint64_t cache_bytes = 32ULL << 20;
  /// Memory-mapped reads, only without `disk`.
  std::uint64_t mmap_bytes = 64ULL << 20;
  /// The write-ahead log is copied into the database when it has grown to this.
  std::uint64_t wal_bytes = 64ULL << 20;
  /// Seeds SQLite's process-wide generator, so that a simulated disk gets the same bytes in each
  /// run.
  std::optional<int> random_seed;
};

/// How the database was found.
struct OpenReport {
  bool created = false;
  bool clean = true;  ///< the last process closed it; else it was killed and the log was replayed
  bool checked = false;        ///< quick_check ran and found nothing
  bool check_skipped = false;  ///< unclean, but larger than k_quick_check_bytes_max: run the doctor
  int migrated_from = 0;       ///< the older schema version that was upgraded, or 0
};

/// The SQLite database of one home: synchronous, used by one thread at a time. While it is open no
/// other process can open it (StoreError::locked), except through a `disk`, which has no locks.
/// Every function reports damage and disk errors as StoreError; nothing in a file makes it crash.
class Database {
 public:
  /// Opens or creates, replays the log, upgrades the schema, and checks
  /// (docs/protocol/store.md#opening). Errors: locked, newer_schema, not_vivim, corrupt, full, io.
  static Result<std::unique_ptr<Database>> open(DatabaseOptions options);

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  /// Without close(): as if the process was killed, but nothing committed is lost.
  ~Database();

  /// Copies the log into the database, marks it as closed cleanly, and lets go of the file. Nothing
  /// else may be called afterwards. Queries must have been destroyed.
  Result<void> close();

  /// A prepared statement with its arguments bound, in order. `sql` must be a literal (it is the
  /// cache's key); text and bytes must outlive the Query. A mistake in it comes out of the first
  /// step().
  template <class... Args>
  Query query(std::string_view sql, const Args&... args) {
    Query query = prepare(sql);
    (query.bind(args), ...);
    return query;
  }

  /// Runs a statement to its end.
  template <class... Args>
  Result<void> run(std::string_view sql, const Args&... args) {
    return query(sql, args...).run();
  }

  /// Runs `body` (returning a Result) so that all of it or nothing happens; nests.
  template <class Body>
  std::invoke_result_t<Body&> atomically(Body body) {
    VIVIM_TRYV(savepoint());
    auto result = body();
    if (!result) {
      roll_back_savepoint();
      return result;
    }
    VIVIM_TRYV(release_savepoint());
    return result;
  }

  /// A write transaction around several atomically(): the store's group commit.
  Result<void> begin();
  /// Returns when all of it is on the disk.
  Result<void> commit();
  void roll_back();
  /// False when there is none, or when SQLite ended it after a disk error.
  bool in_transaction() const;

  /// Runs statements without results: schema scripts.
  Result<void> execute(const std::string& sql);

  /// Rows that the last INSERT, UPDATE or DELETE changed.
  std::int64_t changes() const;
  std::int64_t last_row_id() const;
  /// Size of the database file without its log.
  Result<std::uint64_t> file_bytes();

  const OpenReport& open_report() const { return report_; }
  const DatabaseOptions& options() const { return options_; }

 private:
  explicit Database(DatabaseOptions options);
  Query prepare(std::string_view sql);
  Result<void> connect();
  Result<void> configure();
  Result<void> check_identity();
  Result<void> check_after_crash();
  Result<void> migrate();
  Result<void> savepoint();
  Result<void> release_savepoint();
  void roll_back_savepoint();

  DatabaseOptions options_;
  OpenReport report_;
  std::unique_ptr<DiskVfs> vfs_;
  sqlite3* handle_ = nullptr;
  std::unordered_map<std::string_view, CachedStatement> statements_;
};

/// Names one schema change, for the list in schema.cpp.
struct Migration {
  int version;  ///< the version that it makes
  const char* sql;
};

/// The ordered list: what makes version 1 from nothing, then each next one.
std::span<const Migration> migrations();

/// Runs the migrations from `from` (exclusive) to `to` (inclusive), each in a transaction of its
/// own.
Result<void> apply_migrations(Database& database, std::span<const Migration> list, int from,
                              int to);

}  // namespace vivim::store
