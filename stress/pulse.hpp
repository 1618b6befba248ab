#pragma once

#include <cstddef>
#include <vector>

#include "vivim/libp2p/host/host.hpp"

namespace vivim::stress {

/// An honest peer that pings another again and again: how it is served.
class Pulse {
 public:
  /// They are connected.
  Pulse(libp2p::Host& host, libp2p::PeerId peer) : host_(host), peer_(std::move(peer)) {}

  /// Pings for so long, with a pause after each answer.
  rt::Co<void> take(rt::Duration time, rt::Duration pause);
  /// The round trip that 99 of 100 were faster than, since the last call of reset().
  rt::Duration p99() const;
  std::size_t taken() const { return round_trips_.size(); }
  std::size_t failed() const { return failed_; }
  void reset();

 private:
  libp2p::Host& host_;
  libp2p::PeerId peer_;
  std::vector<rt::Duration> round_trips_;
  std::size_t failed_ = 0;
};

}  // namespace vivim::stress
