#include "vivim/libp2p/rendezvous/schedule.hpp"

namespace vivim::libp2p::rendezvous {

std::optional<Schedule::Step> Schedule::next(rt::TimePoint now, bool reachable) const {
  if (now < wait_until_) {
    return std::nullopt;
  }
  if (reachable && enroll_at_ <= now) {
    return Step::enroll;
  }
  return discover_at_ <= now ? std::optional(Step::discover) : std::nullopt;
}

rt::TimePoint Schedule::next_deadline(bool reachable) const {
  const auto due = reachable ? std::min(enroll_at_, discover_at_) : discover_at_;
  return std::max(due, wait_until_);
}

void Schedule::enrolled(std::chrono::seconds ttl, rt::TimePoint now) {
  pause_ = times_.retry_min;
  expires_ = now + ttl;
  enroll_at_ = now + std::max<rt::Duration>(ttl / 2, times_.retry_min);
}

void Schedule::discovered(rt::TimePoint now) {
  pause_ = times_.retry_min;
  discover_at_ = now + times_.discover_interval;
}

void Schedule::failed(rt::TimePoint now) {
  wait_until_ = now + pause_;
  pause_ = std::min(2 * pause_, times_.retry_max);
}

}  // namespace vivim::libp2p::rendezvous
