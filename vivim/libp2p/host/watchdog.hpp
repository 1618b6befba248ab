#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "vivim/rt/loop.hpp"

namespace vivim::libp2p {

/// Many deadlines with one timer: what takes too long is ended by its callback. Setting and
/// dropping a deadline costs a map entry, no wake-up.
class Watchdog {
 public:
  explicit Watchdog(rt::Loop& loop);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  /// A deadline, dropped with this object; must not outlive the watchdog.
  class [[nodiscard]] Guard {
   public:
    Guard(Watchdog& owner, rt::TimePoint when, std::move_only_function<void()> on_expiry);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    /// Whether the deadline has passed and its callback was called.
    bool expired() const { return expired_; }

   private:
    friend class Watchdog;
    Watchdog& owner_;
    std::pair<rt::TimePoint, std::uint64_t> key_;
    std::move_only_function<void()> on_expiry_;
    bool expired_ = false;
  };

  /// Calls `on_expiry` once from the loop if the guard still lives after `time`.
  Guard arm(rt::Duration time, std::move_only_function<void()> on_expiry);

  /// Watches until stop(); to be spawned once.
  rt::Co<void> run();
  void stop();

 private:
  void expire_due();
  void set_timer();

  rt::Loop& loop_;
  std::unique_ptr<rt::Timer> timer_;
  std::map<std::pair<rt::TimePoint, std::uint64_t>, Guard*> guards_;
  std::uint64_t next_id_ = 0;
  bool stopping_ = false;
};

}  // namespace vivim::libp2p
