#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/rt/co.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/wait.hpp"
#include "vivim/store/database.hpp"
#include "vivim/store/ids.hpp"

namespace vivim::store {

struct StoreOptions {
  DatabaseOptions database;
  /// Writes that wait for the next commit; who comes later waits for room.
  std::size_t queue_writes_max = 4096;
  /// Their bytes.
  std::size_t queue_bytes_max = 64ULL << 20;
  /// Writes and bytes of one transaction.
  std::size_t commit_writes_max = 1024;
  std::size_t commit_bytes_max = 16ULL << 20;
  /// Reads handed to the worker at once.
  std::size_t reads_max = 256;
};

/// What the store did since it was opened.
struct StoreCounters {
  std::uint64_t commits = 0;  ///< transactions that reached the disk
  std::uint64_t writes = 0;   ///< writes in them
  std::uint64_t writes_failed = 0;
  std::size_t commit_writes_max = 0;  ///< most writes in one transaction
};

/// The database for code of a loop. Writes that come while a transaction is on its way to the disk
/// go into the next one together (group commit); each caller resumes when its own write is durable.
/// Reads see what is committed. Everything runs on one worker, in order. Belongs to one loop.
///
/// After the disk failed once, the store is read-only: writes fail with StoreError::read_only until
/// it is opened anew, because what the disk holds is not known. A full disk is not that: the write
/// fails with StoreError::full, and a later one may succeed.
class Store {
 public:
  /// Opens the database on the worker; `loop` and `worker` must outlive the store. Errors: as
  /// Database::open().
  static rt::Co<Result<std::unique_ptr<Store>>> open(rt::Loop& loop, rt::Worker& worker,
                                                     StoreOptions options);

  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  /// No call may be in progress. Without close() the database is left as after a kill.
  ~Store();

  /// The hot path: appends to a document's log; resumes with the sequence number when it is
  /// durable.
  rt::Co<Result<std::uint64_t>> append_update(DocumentId document, Bytes update);

  /// Runs `job(Database&) -> Result<T>` in a transaction, shared with others: all of it is durable
  /// when the caller resumes, or, on any error, none. `bytes` is about what it writes, for the
  /// limits of the queue. References that the job holds must outlive the await. Errors: the job's;
  /// full, io, read_only, closed.
  template <class Job>
  rt::Co<std::invoke_result_t<Job&, Database&>> write(Job job, std::size_t bytes = 0) {
    std::optional<std::invoke_result_t<Job&, Database&>> result;
    PendingWrite pending(loop_);
    pending.bytes = bytes;
    pending.job = [&job, &result](Database& database) -> Result<void> {
      result.emplace(job(database));
      return *result ? Result<void>() : Result<void>(fail(result->error()));
    };
    VIVIM_CO_TRYV(co_await submit(pending));
    co_return std::move(*result);
  }

  /// Runs `job(Database&) -> Result<T>` on the worker; it must not write.
  template <class Job>
  rt::Co<std::invoke_result_t<Job&, Database&>> read(Job job) {
    std::optional<std::invoke_result_t<Job&, Database&>> result;
    VIVIM_CO_TRYV(
        co_await run_read([&job, &result](Database& database) { result.emplace(job(database)); }));
    co_return std::move(*result);
  }

  /// Takes no more calls, finishes those it has, and closes the database cleanly. Idempotent.
  rt::Co<Result<void>> close();

  bool read_only() const { return failure_.has_value(); }
  const StoreCounters& counters() const { return counters_; }
  const OpenReport& open_report() const { return report_; }
  std::size_t queued() const { return queue_.size(); }

 private:
  /// A write and who waits for it; lives in the waiter's frame.
  struct PendingWrite {
    explicit PendingWrite(rt::Loop& loop) : woken(loop) {}
    std::move_only_function<Result<void>(Database&)> job;
    std::size_t bytes = 0;
    std::optional<Result<void>> result;
    rt::Event woken;  ///< it is done, or it must lead the next commit
  };

  Store(rt::Loop& loop, rt::Worker& worker, StoreOptions options);
  rt::Co<Result<void>> submit(PendingWrite& mine);
  rt::Co<void> lead();
  std::vector<PendingWrite*> take_batch();
  void finish_batch(const std::vector<PendingWrite*>& batch);
  bool has_room(std::size_t bytes) const;
  Result<void> check_writable() const;
  rt::Co<Result<void>> run_read(std::move_only_function<void(Database&)> job);
  void update_idle();

  rt::Loop& loop_;
  rt::Worker& worker_;
  StoreOptions options_;
  OpenReport report_;
  std::unique_ptr<Database> database_;  ///< used on the worker only
  std::deque<PendingWrite*> queue_;
  std::size_t queue_bytes_ = 0;
  bool leading_ = false;
  std::size_t reads_ = 0;
  rt::Event room_;       ///< the queue got shorter
  rt::Event read_room_;  ///< a read ended
  rt::Event idle_;       ///< nothing is queued or running
  bool closing_ = false;
  std::optional<Error> failure_;
  StoreCounters counters_;
};

}  // namespace vivim::store
