#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "vivim/rt/asio/loop.hpp"

namespace vivim::rt::asio_ {

/// Jobs that wait in a ThreadWorker's queue; run_erased waits for room beyond that.
inline constexpr std::size_t k_worker_jobs_max = 1024;

/// One thread that runs jobs in order, for one loop.
class ThreadWorker final : public Worker {
 public:
  /// `name` (at most 15 characters) is what the system shows for the thread.
  ThreadWorker(Loop& loop, std::string name, std::size_t jobs_max = k_worker_jobs_max);
  /// Runs what is queued, then ends the thread. Nobody may be waiting for room any more.
  ~ThreadWorker() override;

  Co<void> run_erased(std::move_only_function<void()> job) override;

 private:
  struct State;
  Loop& loop_;
  std::unique_ptr<State> state_;
};

}  // namespace vivim::rt::asio_
