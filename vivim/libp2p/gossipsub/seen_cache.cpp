#include "vivim/libp2p/gossipsub/seen_cache.hpp"

namespace vivim::libp2p::gossipsub {

std::uint32_t SeenCache::ticks(rt::TimePoint now) {
  if (!first_) {
    first_ = now;
  }
  return std::chrono::duration_cast<Ticks>(now - *first_).count();
}

void SeenCache::add(const MessageKey& key, Fate fate, rt::TimePoint now) {
  while (order_.size() >= entries_max_) {
    table_.erase(order_.front());
    order_.pop_front();
  }
  const auto [entry, made] = table_.insert(key);
  *entry = {.seen = ticks(now), .fate = fate};
  if (made) {
    order_.push_back(key);
  }
}

void SeenCache::expire(rt::TimePoint now) {
  while (!order_.empty()) {
    if (table_.find(order_.front())->seen + time_.count() > ticks(now)) {
      return;
    }
    table_.erase(order_.front());
    order_.pop_front();
  }
}

}  // namespace vivim::libp2p::gossipsub
