#include "vivim/chat/library/library.hpp"
#include "vivim/store/imports.hpp"

namespace vivim::chat {

namespace {

/// Above this many, what was added is told as one event without an id.
constexpr std::uint64_t k_added_told_max = 100;

Problem no_such_job(std::uint64_t id) {
  return {.kind = ProblemKind::not_found,
          .code = "job_not_found",
          .message = "There is no import number " + std::to_string(id) + ".",
          .hint = "Only imports since the node was started are known."};
}

Problem another_import() {
  return {.kind = ProblemKind::conflict,
          .code = "import_running",
          .message = "Another import is running.",
          .hint = "Wait until it is done, then try again."};
}

}  // namespace

rt::Co<Outcome<ImportOutcome>> Library::import_now(std::string path) {
  if (running_ != nullptr) {
    co_return std::unexpected(another_import());
  }
  ImportJob job(parts_, path, options_.import);
  running_ = &job;
  indexer_.pause();
  const auto number = std::exchange(starting_, 0);
  std::uint64_t added = 0;
  job.on_added = [&](const store::DocumentId& id) {
    if (++added <= k_added_told_max) {
      tell({.kind = LibraryEvent::Kind::added, .id = id});
    }
  };
  job.on_updated = [&](const store::DocumentId& id) { note_changed(id); };
  job.on_progress = [&] {
    if (const auto known = jobs_.find(number); known != jobs_.end()) {
      known->second.bytes = job.bytes();
      known->second.bytes_total = job.bytes_total();
    }
    tell({.kind = LibraryEvent::Kind::job, .job = number});
  };
  const auto begun = co_await parts_.store.write([&path, this](store::Database& database) {
    return store::Imports(database).begin(path, now());
  });
  auto outcome = co_await job.run();
  running_ = nullptr;
  indexer_.resume();
  if (begun) {
    const auto report = outcome ? outcome_json(*outcome) : "{}";
    // bookkeeping only: that it fails does not make the import fail
    (void)co_await parts_.store.write([&](store::Database& database) {
      return store::Imports(database).finish(*begun, now(), job.bytes(), report);
    });
  }
  if (added > k_added_told_max) {
    tell({.kind = LibraryEvent::Kind::added});
  }
  co_return std::move(outcome);
}

Outcome<std::uint64_t> Library::start_import(std::string path, std::function<void()> done) {
  if (running_ != nullptr || starting_ != 0) {
    return std::unexpected(another_import());
  }
  if (jobs_.size() >= k_jobs_kept_max) {
    jobs_.erase(jobs_.begin());
  }
  const auto id = next_job_++;
  jobs_[id] = {.id = id, .source = path};
  starting_ = id;
  tasks_.spawn("library: import", run_job(id, std::move(path), std::move(done)));
  return id;
}

rt::Co<void> Library::run_job(std::uint64_t id, std::string path, std::function<void()> done) {
  auto outcome = co_await import_now(std::move(path));
  finish_job(id, std::move(outcome));
  if (done) {
    done();
  }
}

void Library::finish_job(std::uint64_t id, Outcome<ImportOutcome> outcome) {
  const auto at = jobs_.find(id);
  if (at == jobs_.end()) {
    return;
  }
  auto& status = at->second;
  if (outcome) {
    status.state = JobState::done;
    status.bytes = status.bytes_total = std::max(status.bytes, status.bytes_total);
    status.outcome = std::move(*outcome);
  } else {
    status.state = JobState::failed;
    status.problem = std::move(outcome.error());
  }
  tell({.kind = LibraryEvent::Kind::job, .job = id});
}

Outcome<JobStatus> Library::job(std::uint64_t id) const {
  const auto at = jobs_.find(id);
  if (at == jobs_.end()) {
    return std::unexpected(no_such_job(id));
  }
  auto status = at->second;
  if (status.state == JobState::running && running_ != nullptr) {
    status.bytes = running_->bytes();
    status.bytes_total = running_->bytes_total();
  }
  return status;
}

Outcome<void> Library::cancel_job(std::uint64_t id) {
  const auto at = jobs_.find(id);
  if (at == jobs_.end()) {
    return std::unexpected(no_such_job(id));
  }
  if (at->second.state == JobState::running && running_ != nullptr) {
    running_->cancel();
  }
  return {};
}

}  // namespace vivim::chat
