#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "vivim/libp2p/gossipsub/key_table.hpp"

namespace vivim::libp2p::gossipsub {

/// The messages of the last heartbeats, to be told of in IHAVE and sent on IWANT (specs
/// gossipsub-v1.0 "Message Cache"). Bounded by heartbeats and bytes.
class MessageCache {
 public:
  /// Keeps `windows` heartbeats, tells of the last `gossip_windows`, holds at most `bytes_max`.
  MessageCache(std::size_t windows, std::size_t gossip_windows, std::size_t bytes_max);

  /// The oldest make room.
  void put(MessagePtr message);
  /// Null when it is not kept.
  MessagePtr find(const MessageKey& key) const;
  /// The next heartbeat: drops the oldest window.
  void shift();

  /// Calls `tell(message)` for what is to be told of, oldest first.
  template <class Tell>
  void each_recent(Tell tell) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < gossip_windows_; ++i) {
      count += counts_[i];
    }
    for (std::size_t i = messages_.size() - count; i < messages_.size(); ++i) {
      tell(messages_[i]);
    }
  }

  std::size_t size() const { return messages_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  void drop_oldest();

  std::size_t gossip_windows_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::deque<MessagePtr> messages_;  ///< oldest first
  std::vector<std::size_t> counts_;  ///< of each window, newest first
  KeyTable<MessagePtr> index_;
};

}  // namespace vivim::libp2p::gossipsub
