#include "vivim/libp2p/limits/rate.hpp"

namespace vivim::libp2p::limits {

bool PeerRates::take(const multiformats::PeerId& peer, Time now) {
  if (!all_.allows(now)) {
    return false;
  }
  auto found = peers_.find(peer);
  if (found == peers_.end()) {
    if (peers_.size() >= k_rated_peers_max) {
      std::erase_if(peers_, [now](const auto& entry) { return entry.second.rested(now); });
    }
    if (peers_.size() >= k_rated_peers_max) {
      return false;
    }
    found = peers_.emplace(peer, RateLimiter(limits_.each)).first;
  }
  if (!found->second.allows(now)) {
    return false;
  }
  found->second.count(now);
  all_.count(now);
  return true;
}

}  // namespace vivim::libp2p::limits
