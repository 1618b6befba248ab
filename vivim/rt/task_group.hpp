#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <string_view>
#include <vector>

#include "vivim/rt/co.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::rt {

/// Owns the coroutines of a session. `stop()` is awaited before the session's objects go: it calls
/// the stop handlers (which reset streams, cancel timers, close channels) and returns when every
/// task has ended. Nothing else in VIVIM is spawned. An exception that leaves a task is logged and
/// counted as a bug, and ends only that task.
class TaskGroup {
 public:
  explicit TaskGroup(Loop& loop) : loop_(loop), idle_(loop) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  /// Every task must have ended.
  ~TaskGroup();

  /// Starts a task from the loop, never inside this call; `name` (a literal) is for logs. A task
  /// that has not started when stop() begins is destroyed without running.
  void spawn(std::string_view name, Co<void> task);

  /// Called once, in order of registration, when stop() begins; at once if it began already. What
  /// it captures must outlive the group.
  void on_stop(std::move_only_function<void()> handler);

  /// Idempotent; may be awaited by several, but never by a task of this group (it would wait for
  /// itself).
  Co<void> stop();

  /// Whether stop() has begun: a task looks at it after each wait.
  bool stopping() const { return stopping_; }
  /// How many tasks have not ended.
  std::size_t running() const { return running_; }
  Loop& loop() { return loop_; }

 private:
  void finished(std::string_view name, const std::exception_ptr& error);

  Loop& loop_;
  Event idle_;
  std::vector<std::move_only_function<void()>> handlers_;
  std::size_t running_ = 0;
  bool stopping_ = false;
};

}  // namespace vivim::rt
