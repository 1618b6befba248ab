#include "vivim/rt/deadline.hpp"

namespace vivim::rt {

Deadline::Deadline(Loop& loop, Duration time, std::move_only_function<void()> on_expiry)
    : loop_(loop), timer_(loop.make_timer()), on_expiry_(std::move(on_expiry)), tasks_(loop) {
  timer_->expire_at(loop_.clock().now() + time);
  tasks_.on_stop([this] { timer_->cancel(); });
  tasks_.spawn("deadline", watch());
}

void Deadline::extend(Duration time) {
  if (!expired_ && !tasks_.stopping()) {
    timer_->expire_at(loop_.clock().now() + time);
  }
}

Co<void> Deadline::finish() {
  co_await tasks_.stop();
}

Co<void> Deadline::watch() {
  if (co_await timer_->wait() && !tasks_.stopping()) {
    expired_ = true;
    on_expiry_();
  }
}

}  // namespace vivim::rt
