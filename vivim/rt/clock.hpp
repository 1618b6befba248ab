#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "vivim/rt/co.hpp"

namespace vivim::rt {

using Duration = std::chrono::nanoseconds;

/// Tag of the monotonic clock; virtual in simulation.
struct Monotonic {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<Monotonic>;
  static constexpr bool is_steady = true;
};
using TimePoint = Monotonic::time_point;

/// Milliseconds since 1970-01-01 UTC; only to be stored and shown, never to measure.
using WallMs = std::int64_t;

/// Time, passed in. Cores take a TimePoint as a parameter instead.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
  virtual WallMs wall_now_ms() const = 0;
};

/// One waiter at a time. Destroying a timer while somebody waits is a programmer's error.
class Timer {
 public:
  virtual ~Timer() = default;
  /// Sets when wait() returns true; a current wait is moved to the new time.
  virtual void expire_at(TimePoint when) = 0;
  /// True when the time came, false when cancel() was called first. A timer that was never set
  /// waits until it is.
  virtual Co<bool> wait() = 0;
  /// Wakes the waiter with false; so do later waits until the next expire_at re-arms.
  virtual void cancel() = 0;
};

}  // namespace vivim::rt
