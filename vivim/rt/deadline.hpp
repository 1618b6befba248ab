#pragma once

#include <functional>
#include <memory>

#include "vivim/rt/loop.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::rt {

/// Ends something that takes too long: for conversations that have no watchdog of their own.
///
///   Deadline deadline(loop, 10s, [raw = stream.get()] { raw->reset(0); });
///   auto answer = co_await converse(*stream);
///   co_await deadline.finish();
class Deadline {
 public:
  /// Calls `on_expiry` once from the loop when `time` has passed, unless finish() was called.
  Deadline(Loop& loop, Duration time, std::move_only_function<void()> on_expiry);
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  /// finish() must have been awaited.
  ~Deadline() = default;

  /// Moves the deadline to `time` from now; nothing happens when it has passed.
  void extend(Duration time);
  /// Ends the watch; awaited before this object, or what the callback uses, goes.
  Co<void> finish();
  /// Whether the time passed and the callback was called.
  bool expired() const { return expired_; }

 private:
  Co<void> watch();

  Loop& loop_;
  std::unique_ptr<Timer> timer_;
  std::move_only_function<void()> on_expiry_;
  bool expired_ = false;
  TaskGroup tasks_;
};

}  // namespace vivim::rt
