#include "vivim/gateway/watchdog_detail.hpp"

namespace vivim::gateway {

namespace {

constexpr std::chrono::hours k_nothing_to_watch{1};

}  // namespace

void Watchdog::arm_at(rt::TimePoint when) {
  deadline_ = when;
  if (when < wakes_at_) {
    wakes_at_ = when;
    timer_->expire_at(when);
  }
}

rt::Co<void> Watchdog::run() {
  while (!stopped_) {
    const auto now = loop_.clock().now();
    if (deadline_ && now >= *deadline_) {
      expired_ = true;
      deadline_.reset();
      stream_.reset();
    }
    wakes_at_ = deadline_.value_or(now + k_nothing_to_watch);
    timer_->expire_at(wakes_at_);
    co_await timer_->wait();
  }
}

void Watchdog::stop() {
  stopped_ = true;
  timer_->cancel();
}

}  // namespace vivim::gateway
