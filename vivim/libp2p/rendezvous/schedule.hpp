#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::rendezvous {

struct MemberTimes {
  /// How long a registration is asked for; it is renewed at half of what is granted.
  std::chrono::seconds ttl = std::chrono::hours(2);
  rt::Duration discover_interval = std::chrono::minutes(1);
  /// After a failure; doubles with each.
  rt::Duration retry_min = std::chrono::seconds(5);
  rt::Duration retry_max = std::chrono::minutes(10);
};

/// When to register at one rendezvous point, and when to ask who is there. Sans-IO.
class Schedule {
 public:
  enum class Step : std::uint8_t { enroll, discover };

  explicit Schedule(MemberTimes times = {}) : times_(times), pause_(times.retry_min) {}

  /// What to do now, if anything; enrolled(), discovered() or failed() follows before the next.
  /// Without `reachable` there is nothing to register.
  std::optional<Step> next(rt::TimePoint now, bool reachable) const;
  /// When to ask next() again, if nothing else happens.
  rt::TimePoint next_deadline(bool reachable) const;

  void enrolled(std::chrono::seconds ttl, rt::TimePoint now);
  void discovered(rt::TimePoint now);
  void failed(rt::TimePoint now);
  /// Our addresses are others than those that we registered.
  void addresses_changed() { enroll_at_ = rt::TimePoint(); }

  /// Whether the point still tells others of us.
  bool enrolled_at(rt::TimePoint now) const { return now < expires_; }

 private:
  MemberTimes times_;
  rt::Duration pause_;
  rt::TimePoint enroll_at_{};
  rt::TimePoint discover_at_{};
  rt::TimePoint wait_until_{};  ///< after a failure
  rt::TimePoint expires_{};
};

}  // namespace vivim::libp2p::rendezvous
