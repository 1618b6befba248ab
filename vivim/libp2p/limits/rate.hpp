#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>

#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::limits {

/// A point of the driver's monotonic clock, counted from any fixed start; or a span of it.
using Time = std::chrono::nanoseconds;

/// So many at once, and one more after each interval.
struct Rate {
  unsigned burst = 1;
  Time interval = std::chrono::seconds(1);
};

/// Whether something happens too often. Sans-IO: times only grow.
class RateLimiter {
 public:
  explicit RateLimiter(Rate rate) : rate_(rate) {}

  bool allows(Time now) const { return spent_until_ - now <= rate_.interval * (rate_.burst - 1); }
  /// One has happened.
  void count(Time now) { spent_until_ = std::max(spent_until_, now) + rate_.interval; }
  /// As if nothing ever happened.
  bool rested(Time now) const { return spent_until_ <= now; }

 private:
  Rate rate_;
  Time spent_until_ = Time::min() / 2;  ///< when all that was used is there again
};

/// Peers whose rate is remembered. What `all` allows bounds it too, for those who rest are
/// forgotten.
inline constexpr std::size_t k_rated_peers_max = 4096;

/// How often peers may do something: each of them, and all together. Sans-IO.
class PeerRates {
 public:
  struct Limits {
    Rate each;
    Rate all;
  };
  explicit PeerRates(Limits limits) : limits_(limits), all_(limits.all) {}

  /// Whether `peer` may do it once more now; it counts if so.
  bool take(const multiformats::PeerId& peer, Time now);
  std::size_t remembered() const { return peers_.size(); }

 private:
  Limits limits_;
  RateLimiter all_;
  std::map<multiformats::PeerId, RateLimiter> peers_;
};

}  // namespace vivim::libp2p::limits
