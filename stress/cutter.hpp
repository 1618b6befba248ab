#pragma once

#include <memory>

#include "vivim/base/roll.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/network.hpp"
#include "vivim/rt/rng.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::stress {

/// A line that breaks: forwards TCP connections to another endpoint, and resets each one on both
/// sides after a random number of bytes.
class Cutter {
 public:
  Cutter(rt::Loop& loop, rt::Network& network, rt::Rng& rng)
      : loop_(loop), network_(network), rng_(rng), tasks_(loop) {}
  Cutter(const Cutter&) = delete;
  Cutter& operator=(const Cutter&) = delete;

  /// Listens on a port of `ip`.
  Result<void> start(const rt::IpAddress& ip);
  void set_target(const rt::Endpoint& target) { target_ = target; }
  std::uint16_t port() const { return listener_->local().port; }
  std::uint64_t cuts() const { return cuts_; }
  rt::Co<void> stop();

 private:
  struct Line;

  rt::Co<void> accept_loop();
  rt::Co<void> carry(rt::Connection near);
  rt::Co<void> pump(Line& line, rt::Stream& from, rt::Stream& to);

  rt::Loop& loop_;
  rt::Network& network_;
  rt::Rng& rng_;
  rt::Endpoint target_;
  std::unique_ptr<rt::Listener> listener_;
  Roll<rt::Stream> streams_;
  std::uint64_t cuts_ = 0;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::stress
