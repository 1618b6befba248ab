#include "vivim/libp2p/autonat/limiter.hpp"

#include <algorithm>

namespace vivim::libp2p::autonat {

namespace {

constexpr Time k_minute = std::chrono::minutes(1);

}  // namespace

void Limiter::forget(Time now) {
  while (!requests_.empty() && now - requests_.front().when >= k_minute) {
    requests_.pop_front();
  }
  while (!data_requests_.empty() && now - data_requests_.front() >= k_minute) {
    data_requests_.pop_front();
  }
}

bool Limiter::accept(const multiformats::PeerId& peer, Time now) {
  forget(now);
  const auto of_peer =
      static_cast<std::size_t>(std::ranges::count(requests_, peer, &Request::peer));
  const auto under_way = under_way_.find(peer);
  if (requests_.size() >= limits_.requests_per_minute_max ||
      of_peer >= limits_.requests_per_peer_per_minute_max ||
      (under_way != under_way_.end() && under_way->second >= limits_.requests_per_peer_max)) {
    return false;
  }
  requests_.push_back({.when = now, .peer = peer});
  ++under_way_[peer];
  return true;
}

void Limiter::finished(const multiformats::PeerId& peer) {
  const auto found = under_way_.find(peer);
  if (found != under_way_.end() && --found->second == 0) {
    under_way_.erase(found);
  }
}

bool Limiter::accept_data_request(Time now) {
  forget(now);
  if (data_requests_.size() >= limits_.data_requests_per_minute_max) {
    return false;
  }
  data_requests_.push_back(now);
  return true;
}

}  // namespace vivim::libp2p::autonat
