#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "vivim/rt/clock.hpp"
#include "vivim/rt/co.hpp"

namespace vivim::rt {

/// An event loop as its users see it: time, timers, and a place to run. Real (asio::Loop) or
/// virtual (sim::World). Everything that a session touches belongs to one loop; other threads reach
/// it only through post().
class Loop {
 public:
  virtual ~Loop() = default;
  virtual Executor executor() = 0;
  virtual Clock& clock() = 0;
  virtual std::unique_ptr<Timer> make_timer() = 0;
  /// Runs `work` on the loop soon; the only member that other threads may call.
  virtual void post(std::move_only_function<void()> work) = 0;
  /// The same for the loop's own thread, where it costs less: what is posted so runs in order.
  virtual void post_here(std::move_only_function<void()> work) { post(std::move(work)); }
};

/// Waits `time` on the loop. Not cancellable: for back-off inside a TaskGroup use a Timer that
/// stop() cancels.
Co<void> sleep_for(Loop& loop, Duration time);

/// Runs blocking work (SQLite, compression, parsing) off the loop; in simulation, on it, after a
/// virtual delay. Jobs of one worker run one after the other, in order.
class Worker {
 public:
  virtual ~Worker() = default;
  /// Resumes on the caller's loop when `job` has run; what it throws is thrown here. Every job
  /// runs, also when the worker is being destroyed. RtError::limit is not an answer here: a full
  /// queue makes the caller wait.
  virtual Co<void> run_erased(std::move_only_function<void()> job) = 0;

  /// `auto rows = co_await worker.run([&] { return database.list(); });` References must outlive
  /// the await.
  template <class Job>
  Co<std::invoke_result_t<Job&>> run(Job job) {
    using Value = std::invoke_result_t<Job&>;
    if constexpr (std::is_void_v<Value>) {
      co_await run_erased([&job] { job(); });
    } else {
      std::optional<Value> value;
      co_await run_erased([&job, &value] { value.emplace(job()); });
      co_return std::move(*value);
    }
  }
};

}  // namespace vivim::rt
