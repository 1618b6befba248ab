#include "vivim/libp2p/gossipsub/message_cache.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"

namespace vivim::libp2p::gossipsub {

MessageCache::MessageCache(std::size_t windows, std::size_t gossip_windows, std::size_t bytes_max)
    : gossip_windows_(gossip_windows), bytes_max_(bytes_max), counts_(windows) {
  VIVIM_ASSERT(windows > 0 && gossip_windows <= windows);
}

void MessageCache::put(MessagePtr message) {
  const auto [kept, made] = index_.insert(message->key());
  if (!made) {
    return;
  }
  *kept = message;
  bytes_ += message->bytes();
  messages_.push_back(std::move(message));
  ++counts_.front();
  while (bytes_ > bytes_max_ && messages_.size() > 1) {
    drop_oldest();
  }
}

MessagePtr MessageCache::find(const MessageKey& key) const {
  const MessagePtr* found = index_.find(key);
  return found == nullptr ? nullptr : *found;
}

void MessageCache::shift() {
  for (std::size_t left = counts_.back(); left > 0; --left) {
    drop_oldest();
  }
  std::ranges::rotate(counts_, counts_.end() - 1);
  counts_.front() = 0;
}

void MessageCache::drop_oldest() {
  const auto window =
      std::find_if(counts_.rbegin(), counts_.rend(), [](std::size_t count) { return count > 0; });
  --*window;
  bytes_ -= messages_.front()->bytes();
  index_.erase(messages_.front()->key());
  messages_.pop_front();
}

}  // namespace vivim::libp2p::gossipsub
