#include "stress/pulse.hpp"

#include <algorithm>

namespace vivim::stress {

rt::Co<void> Pulse::take(rt::Duration time, rt::Duration pause) {
  rt::Loop& loop = host_.loop();
  const auto end = loop.clock().now() + time;
  while (loop.clock().now() < end) {
    if (const auto took = co_await host_.ping(peer_)) {
      round_trips_.push_back(*took);
    } else {
      ++failed_;
    }
    co_await rt::sleep_for(loop, pause);
  }
}

rt::Duration Pulse::p99() const {
  if (round_trips_.empty()) {
    return rt::Duration::max();
  }
  auto sorted = round_trips_;
  std::ranges::sort(sorted);
  return sorted[(sorted.size() - 1) * 99 / 100];
}

void Pulse::reset() {
  round_trips_.clear();
  failed_ = 0;
}

}  // namespace vivim::stress
