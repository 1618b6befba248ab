#include "vivim/store/database.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <sqlite3.h>

#include "vivim/base/assert.hpp"
#include "vivim/base/log.hpp"
#include "vivim/store/disk_vfs.hpp"

namespace vivim::store {
namespace {

/// "VIVM": what PRAGMA application_id says of our files.
constexpr std::int64_t k_application_id = 0x5649564d;
/// Statements kept prepared; the program has fewer literals than this.
constexpr std::size_t k_statements_max = 256;

/// Creates the file readable by its owner alone: it holds the node's key and the grants' secrets.
void create_private(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::exists(path, error)) {
    return;
  }
  std::ofstream(path, std::ios::binary | std::ios::app).close();
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write, error);
}

Result<std::int64_t> single_integer(Database& database, std::string_view sql) {
  Query query = database.query(sql);
  VIVIM_TRYV(query.row());
  return query.integer(0);
}

}  // namespace

Database::Database(DatabaseOptions options) : options_(std::move(options)) {}

Database::~Database() {
  statements_.clear();
  if (handle_ != nullptr) {
    sqlite3_close_v2(handle_);
  }
}

Result<std::unique_ptr<Database>> Database::open(DatabaseOptions options) {
  std::unique_ptr<Database> database(new Database(std::move(options)));
  Result<void> done = database->connect();
  if (!done && done.error().is(StoreError::busy)) {
    return fail(StoreError::locked);
  }
  if (!done) {
    return fail(done.error());
  }
  return database;
}

Result<void> Database::connect() {
  if (options_.disk != nullptr) {
    vfs_ = std::make_unique<DiskVfs>(*options_.disk);
    if (options_.random_seed) {
      sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, *options_.random_seed, nullptr);
      sqlite3_randomness(0, nullptr);
    }
  } else {
    create_private(options_.path);
  }
  const int code = sqlite3_open_v2(
      options_.path.c_str(), &handle_,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
      vfs_ ? vfs_->name() : nullptr);
  if (code != SQLITE_OK) {
    return fail(sqlite_error(code));
  }
  VIVIM_TRYV(configure());
  VIVIM_TRYV(check_identity());
  VIVIM_TRYV(check_after_crash());
  VIVIM_TRYV(migrate());
  return run(
      "INSERT INTO meta(key, value) VALUES('clean', 0) "
      "ON CONFLICT(key) DO UPDATE SET value = 0");
}

Result<void> Database::configure() {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  // EXCLUSIVE before the first access: no shared memory, and no second process. The size of pages
  // is that of a new file; one that is there keeps its own.
  const std::string mmap = std::to_string(vfs_ ? 0 : options_.mmap_bytes);
  VIVIM_TRYV(
      execute("PRAGMA locking_mode=EXCLUSIVE;PRAGMA page_size=16384;PRAGMA journal_mode=WAL;"
              "PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;PRAGMA temp_store=MEMORY;"
              "PRAGMA secure_delete=FAST;PRAGMA cell_size_check=ON;PRAGMA cache_size=-" +
              std::to_string(options_.cache_bytes / 1024) + ";PRAGMA mmap_size=" + mmap +
              ";PRAGMA journal_size_limit=" + std::to_string(options_.wal_bytes * 4) +
              // Takes the lock now rather than at the first write.
              ";BEGIN IMMEDIATE;COMMIT;"));
  VIVIM_TRY(const std::int64_t page_bytes, single_integer(*this, "PRAGMA page_size"));
  return execute("PRAGMA wal_autocheckpoint=" +
                 std::to_string(options_.wal_bytes / static_cast<std::uint64_t>(page_bytes)));
}

Result<void> Database::check_identity() {
  VIVIM_TRY(const std::int64_t application, single_integer(*this, "PRAGMA application_id"));
  VIVIM_TRY(const std::int64_t version, single_integer(*this, "PRAGMA user_version"));
  VIVIM_TRY(const std::int64_t tables, single_integer(*this, "SELECT count(*) FROM sqlite_schema"));
  report_.created = tables == 0 && application == 0 && version == 0;
  if (report_.created) {
    return {};
  }
  if (application != k_application_id) {
    return fail(StoreError::not_vivim);
  }
  if (version > k_schema_version) {
    return fail(StoreError::newer_schema, static_cast<std::uint64_t>(version));
  }
  return {};
}

Result<void> Database::check_after_crash() {
  if (report_.created) {
    return {};
  }
  VIVIM_TRY(const std::int64_t clean,
            single_integer(*this, "SELECT coalesce(max(value), 0) FROM meta WHERE key = 'clean'"));
  report_.clean = clean == 1;
  VIVIM_TRY(const std::uint64_t size, file_bytes());
  if (report_.clean || size > k_quick_check_bytes_max) {
    report_.check_skipped = !report_.clean;
    return {};
  }
  Query check = query("PRAGMA quick_check(1)");
  VIVIM_TRYV(check.row());
  if (check.text_view(0) != "ok") {
    log::write(log::Level::warning, "store", "the database is damaged",
               {{"finding", check.text_view(0)}});
    return fail(StoreError::corrupt);
  }
  report_.checked = true;
  return {};
}

Result<void> Database::migrate() {
  VIVIM_TRY(const std::int64_t version, single_integer(*this, "PRAGMA user_version"));
  if (version == k_schema_version) {
    return {};
  }
  report_.migrated_from = static_cast<int>(version);
  return apply_migrations(*this, migrations(), static_cast<int>(version), k_schema_version);
}

Result<void> Database::close() {
  if (handle_ == nullptr) {
    return {};
  }
  VIVIM_TRYV(
      execute("UPDATE meta SET value = 1 WHERE key = 'clean';"
              "PRAGMA wal_checkpoint(TRUNCATE)"));
  statements_.clear();
  const int code = sqlite3_close(handle_);
  if (VIVIM_BUG(code == SQLITE_BUSY)) {  // a Query is still alive
    return fail(StoreError::busy);
  }
  handle_ = nullptr;
  if (code != SQLITE_OK) {
    return fail(sqlite_error(code));
  }
  return {};
}

Query Database::prepare(std::string_view sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end() && !found->second.in_use) {
    found->second.in_use = true;
    return {found->second.statement.get(), &found->second};
  }
  sqlite3_stmt* statement = nullptr;
  const bool keep = found == statements_.end() && statements_.size() < k_statements_max;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      keep ? SQLITE_PREPARE_PERSISTENT : 0, &statement, nullptr);
  if (code != SQLITE_OK) {
    const Error failure = sqlite_error(code);
    if (failure.is(StoreError::internal)) {
      log::write(log::Level::error, "store", sqlite3_errmsg(handle_));
    }
    return Query(failure);
  }
  if (!keep) {
    return {statement, nullptr};
  }
  CachedStatement& cached = statements_[sql];
  cached = {.statement = detail::StatementPointer(statement), .in_use = true};
  return {statement, &cached};
}

Result<void> Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) {
    return fail(sqlite_error(code));
  }
  return {};
}

Result<void> Database::begin() {
  return run("BEGIN IMMEDIATE");
}
Result<void> Database::commit() {
  return run("COMMIT");
}

void Database::roll_back() {
  if (in_transaction()) {
    (void)run("ROLLBACK");  // fails only when SQLite has rolled back already
  }
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

Result<void> Database::savepoint() {
  return run("SAVEPOINT vivim");
}
Result<void> Database::release_savepoint() {
  Result<void> released = run("RELEASE vivim");
  if (!released) {
    roll_back_savepoint();
  }
  return released;
}

void Database::roll_back_savepoint() {
  if (in_transaction()) {
    (void)run("ROLLBACK TO vivim");
    (void)run("RELEASE vivim");
  }
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(handle_);
}
std::int64_t Database::last_row_id() const {
  return sqlite3_last_insert_rowid(handle_);
}

Result<std::uint64_t> Database::file_bytes() {
  VIVIM_TRY(const std::int64_t pages, single_integer(*this, "PRAGMA page_count"));
  VIVIM_TRY(const std::int64_t page_bytes, single_integer(*this, "PRAGMA page_size"));
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes);
}

}  // namespace vivim::store
