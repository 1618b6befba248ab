#pragma once

#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "vivim/base/result.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/loop.hpp"

namespace boost::asio {
class io_context;
}

namespace vivim::rt::asio_ {

/// The real event loop: one io_context, run by one thread.
class Loop final : public rt::Loop {
 public:
  Loop();
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Executor executor() override;
  Clock& clock() override;
  std::unique_ptr<Timer> make_timer() override;
  void post(std::move_only_function<void()> work) override;
  void post_here(std::move_only_function<void()> work) override;

  /// Runs on this thread until stop(), or until nothing is left to do. May be called again.
  void run();
  /// Makes run() return soon; from any thread, but not from a signal handler. What is suspended
  /// stays so.
  void stop();

  /// Runs until `task` returns, and returns its value; what it throws is thrown here.
  template <class T>
  T run(Co<T> task) {
    if constexpr (std::is_void_v<T>) {
      run_task(std::move(task));
    } else {
      std::optional<T> value;
      run_task(keep(std::move(task), value));
      return std::move(*value);
    }
  }

  /// Whether the calling thread is the one that runs the loop (true before the first run).
  bool is_here() const;
  boost::asio::io_context& context() { return *io_; }

 private:
  class WallClock;

  template <class T>
  static Co<void> keep(Co<T> task, std::optional<T>& into) {
    into.emplace(co_await std::move(task));
  }
  void run_task(Co<void> task);
  void claim_thread();
  void run_ready();

  struct Thread;
  std::unique_ptr<boost::asio::io_context> io_;
  std::unique_ptr<WallClock> clock_;
  std::unique_ptr<Thread> thread_;
  std::deque<std::move_only_function<void()>> ready_;
  bool running_ready_ = false;  ///< or about to
  bool closing_ = false;
};

/// Waits for signals such as SIGINT and SIGTERM, instead of dying of them, as long as it exists.
class Signals {
 public:
  Signals(Loop& loop, std::initializer_list<int> numbers);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// The number of the next signal; RtError::closed after cancel().
  Co<Result<int>> next();
  void cancel();

 private:
  struct Set;
  std::unique_ptr<Set> set_;
};

}  // namespace vivim::rt::asio_
