#include "vivim/libp2p/host/watchdog.hpp"

#include "vivim/base/assert.hpp"

namespace vivim::libp2p {

Watchdog::Watchdog(rt::Loop& loop) : loop_(loop), timer_(loop.make_timer()) {}

Watchdog::~Watchdog() {
  VIVIM_ASSERT(guards_.empty());
}

Watchdog::Guard::Guard(Watchdog& owner, rt::TimePoint when,
                       std::move_only_function<void()> on_expiry)
    : owner_(owner), key_(when, owner.next_id_++), on_expiry_(std::move(on_expiry)) {
  owner_.guards_.emplace(key_, this);
  if (owner_.guards_.begin()->second == this) {
    owner_.set_timer();
  }
}

Watchdog::Guard::~Guard() {
  owner_.guards_.erase(key_);
}

Watchdog::Guard Watchdog::arm(rt::Duration time, std::move_only_function<void()> on_expiry) {
  return Guard(*this, loop_.clock().now() + time, std::move(on_expiry));
}

void Watchdog::set_timer() {
  if (!stopping_) {
    timer_->expire_at(guards_.empty() ? rt::TimePoint::max() : guards_.begin()->first.first);
  }
}

void Watchdog::expire_due() {
  while (!guards_.empty() && guards_.begin()->first.first <= loop_.clock().now()) {
    Guard& guard = *guards_.begin()->second;
    guards_.erase(guards_.begin());
    guard.expired_ = true;
    guard.on_expiry_();
  }
}

rt::Co<void> Watchdog::run() {
  while (!stopping_) {
    set_timer();
    if (co_await timer_->wait()) {
      expire_due();
    }
  }
}

void Watchdog::stop() {
  stopping_ = true;
  timer_->cancel();
}

}  // namespace vivim::libp2p
