#include "vivim/store/store.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/base/log.hpp"
#include "vivim/store/documents.hpp"
#include "vivim/store/error.hpp"

namespace vivim::store {

Store::Store(rt::Loop& loop, rt::Worker& worker, StoreOptions options)
    : loop_(loop),
      worker_(worker),
      options_(std::move(options)),
      room_(loop),
      read_room_(loop),
      idle_(loop) {
  idle_.set();
}

Store::~Store() {
  VIVIM_ASSERT(queue_.empty() && !leading_ && reads_ == 0);
}

rt::Co<Result<std::unique_ptr<Store>>> Store::open(rt::Loop& loop, rt::Worker& worker,
                                                   StoreOptions options) {
  std::unique_ptr<Store> store(new Store(loop, worker, std::move(options)));
  Store& self = *store;
  VIVIM_CO_TRY(self.database_,
               co_await worker.run([&self] { return Database::open(self.options_.database); }));
  self.report_ = self.database_->open_report();
  co_return std::move(store);
}

rt::Co<Result<std::uint64_t>> Store::append_update(DocumentId document, Bytes update) {
  const std::size_t bytes = update.size();
  co_return co_await write(
      [&document, &update](Database& database) {
        return Documents(database).append_update(document, update);
      },
      bytes);
}

bool Store::has_room(std::size_t bytes) const {
  return queue_.empty() || (queue_.size() < options_.queue_writes_max &&
                            queue_bytes_ + bytes <= options_.queue_bytes_max);
}

Result<void> Store::check_writable() const {
  if (closing_) {
    return fail(StoreError::closed);
  }
  if (failure_) {
    return fail(StoreError::read_only, failure_->detail());
  }
  return {};
}

rt::Co<Result<void>> Store::submit(PendingWrite& mine) {
  VIVIM_CO_TRYV(check_writable());
  while (!has_room(mine.bytes)) {
    room_.reset();
    co_await room_.wait();
    VIVIM_CO_TRYV(check_writable());
  }
  queue_.push_back(&mine);
  queue_bytes_ += mine.bytes;
  if (leading_) {
    co_await mine.woken.wait();
  } else {
    leading_ = true;
    idle_.reset();
  }
  if (!mine.result) {
    co_await lead();
  }
  co_return std::move(*mine.result);
}

std::vector<Store::PendingWrite*> Store::take_batch() {
  std::vector<PendingWrite*> batch;
  std::size_t bytes = 0;
  while (!queue_.empty() && batch.size() < options_.commit_writes_max &&
         (batch.empty() || bytes + queue_.front()->bytes <= options_.commit_bytes_max)) {
    bytes += queue_.front()->bytes;
    batch.push_back(queue_.front());
    queue_.pop_front();
  }
  queue_bytes_ -= bytes;
  return batch;
}

namespace {

/// Runs one job inside the open transaction: on an error, nothing of it stays. One that is alone
/// needs no savepoint, for which SQLite would copy each page before it is changed: its errors end
/// the transaction.
template <class Write>
void run_write(Database& database, Write& write, std::size_t writes) {
  if (writes > 1) {
    write.result = database.atomically([&]() -> Result<void> { return write.job(database); });
    return;
  }
  write.result = write.job(database);
  if (!write.result->has_value()) {
    database.roll_back();
  }
}

template <class Writes>
void fail_all(const Writes& batch, const Error& error) {
  for (auto* write : batch) {
    write->result = fail(error);
  }
}

/// One transaction of many writes; on the worker.
template <class Writes>
void commit_batch(Database& database, const Writes& batch) {
  if (const auto begun = database.begin(); !begun) {
    fail_all(batch, begun.error());
    return;
  }
  for (auto* write : batch) {
    run_write(database, *write, batch.size());
    if (!database.in_transaction()) {  // SQLite gave up: disk full or broken
      fail_all(batch, write->result->has_value() ? Error(StoreError::io) : write->result->error());
      return;
    }
  }
  if (const auto committed = database.commit(); !committed) {
    database.roll_back();
    fail_all(batch, committed.error());
  }
}

/// After these nobody knows what the disk holds.
bool is_fatal(const Error& error) {
  return error.is(StoreError::io) || error.is(StoreError::read_only);
}

}  // namespace

/// Commits what is queued, which the caller's own write is at the head of; then hands the lead to
/// the next in line.
rt::Co<void> Store::lead() {
  const std::vector<PendingWrite*> batch = take_batch();
  co_await worker_.run([this, &batch] {
    commit_batch(*database_, batch);
    return 0;
  });
  finish_batch(batch);
}

void Store::finish_batch(const std::vector<PendingWrite*>& batch) {
  const auto failed = static_cast<std::uint64_t>(
      std::ranges::count_if(batch, [](const PendingWrite* write) { return !*write->result; }));
  counters_.writes_failed += failed;
  counters_.writes += batch.size() - failed;
  counters_.commits += failed < batch.size() ? 1 : 0;
  counters_.commit_writes_max = std::max(counters_.commit_writes_max, batch.size());
  for (PendingWrite* write : batch) {
    if (!*write->result && is_fatal(write->result->error()) && !failure_) {
      failure_ = write->result->error();
      log::write(log::Level::error, "store", "a write failed: the store is read-only now",
                 {{"code", failure_->detail()}});
    }
    write->woken.set();
  }
  if (failure_) {
    for (PendingWrite* write : std::exchange(queue_, {})) {
      write->result = fail(StoreError::read_only, failure_->detail());
      write->woken.set();
    }
    queue_bytes_ = 0;
  }
  room_.set();
  leading_ = !queue_.empty();
  if (leading_) {
    queue_.front()->woken.set();
  }
  update_idle();
}

void Store::update_idle() {
  !leading_&& reads_ == 0 ? idle_.set() : idle_.reset();
}

rt::Co<Result<void>> Store::run_read(std::move_only_function<void(Database&)> job) {
  while (!closing_ && reads_ >= options_.reads_max) {
    read_room_.reset();
    co_await read_room_.wait();
  }
  if (closing_) {
    co_return fail(StoreError::closed);
  }
  ++reads_;
  update_idle();
  co_await worker_.run([this, &job] { job(*database_); });
  --reads_;
  read_room_.set();
  update_idle();
  co_return Result<void>();
}

rt::Co<Result<void>> Store::close() {
  closing_ = true;
  room_.set();
  read_room_.set();
  while (leading_ || reads_ > 0) {
    co_await idle_.wait();
  }
  if (!database_) {
    co_return Result<void>();
  }
  const std::unique_ptr<Database> database = std::move(database_);
  const bool broken = failure_.has_value();
  co_return co_await worker_.run(
      [&database, broken] { return broken ? Result<void>() : database->close(); });
}

}  // namespace vivim::store
