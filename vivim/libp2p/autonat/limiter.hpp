#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <set>

#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::autonat {

/// A point of the driver's monotonic clock, counted from any fixed start; or a span of it.
using Time = std::chrono::nanoseconds;

/// How much a server does for others.
struct ServerLimits {
  std::size_t requests_per_minute_max = 60;
  std::size_t requests_per_peer_per_minute_max = 12;
  std::size_t data_requests_per_minute_max = 12;  ///< dials to other addresses than the asker's
  std::size_t requests_per_peer_max = 1;          ///< at once
};

/// Counts requests over the last minute. Holds no more of them than requests_per_minute_max.
class Limiter {
 public:
  explicit Limiter(ServerLimits limits) : limits_(limits) {}

  /// Whether to serve a request of `peer`; then finished() follows.
  bool accept(const multiformats::PeerId& peer, Time now);
  void finished(const multiformats::PeerId& peer);
  /// Whether to dial an address that is not the asker's.
  bool accept_data_request(Time now);

 private:
  struct Request {
    Time when;
    multiformats::PeerId peer;
  };
  void forget(Time now);

  ServerLimits limits_;
  std::deque<Request> requests_;
  std::deque<Time> data_requests_;
  std::map<multiformats::PeerId, std::size_t> under_way_;
};

}  // namespace vivim::libp2p::autonat
