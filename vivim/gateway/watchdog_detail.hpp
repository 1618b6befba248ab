#pragma once

#include <memory>
#include <optional>

#include "vivim/rt/loop.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::gateway {

/// One deadline of a connection: when it passes, the stream is reset, which ends whatever waits on
/// it. Moving the deadline is a store; the timer catches up when it fires.
class Watchdog {
 public:
  Watchdog(rt::Loop& loop, rt::Stream& stream)
      : loop_(loop), stream_(stream), timer_(loop.make_timer()) {}

  void arm(rt::Duration from_now) { arm_at(loop_.clock().now() + from_now); }
  void arm_at(rt::TimePoint when);
  void disarm() { deadline_.reset(); }
  /// True when a deadline has passed and the stream was reset for it.
  bool expired() const { return expired_; }
  /// Spawned once; returns after stop().
  rt::Co<void> run();
  void stop();

 private:
  rt::Loop& loop_;
  rt::Stream& stream_;
  std::unique_ptr<rt::Timer> timer_;
  std::optional<rt::TimePoint> deadline_;
  rt::TimePoint wakes_at_{};
  bool expired_ = false;
  bool stopped_ = false;
};

}  // namespace vivim::gateway
