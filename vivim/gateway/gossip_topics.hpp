#pragma once

#include <deque>
#include <set>

#include "vivim/gateway/events.hpp"
#include "vivim/gateway/topics.hpp"
#include "vivim/libp2p/gossipsub/service.hpp"

namespace vivim::gateway {

/// Messages that are kept of all topics that somebody subscribed to by the API, and their bytes.
inline constexpr std::size_t k_topic_messages_max = 1024;
inline constexpr std::size_t k_topic_messages_bytes_max = std::size_t{8} * 1024 * 1024;
/// Topics that the API is in at once.
inline constexpr std::size_t k_api_topics_max = 256;

/// Gossip of the node, for the API: topics that a person or a program subscribes to, and their
/// last messages. Topics of the node's own parts are theirs.
class GossipTopics final : public TopicService {
 public:
  /// Both references must outlive it.
  GossipTopics(rt::Loop& loop, EventHub& events) : loop_(loop), events_(events) {}

  /// From when there is gossip to when there is none: null. The service must outlive this, or be
  /// taken away before it goes.
  void attach(libp2p::gossipsub::Service* service);

  Co<Outcome<std::vector<TopicStatus>>> topics() override;
  Co<Outcome<bool>> subscribe(std::string topic) override;
  Co<Outcome<void>> unsubscribe(std::string topic) override;
  Co<Outcome<PublishedStatus>> publish(std::string topic, Bytes data) override;
  Co<Outcome<TopicMessages>> messages(std::string topic, std::uint64_t after) override;

 private:
  void on_event(const libp2p::gossipsub::Event& event);
  void keep(TopicMessage message);

  rt::Loop& loop_;
  EventHub& events_;
  libp2p::gossipsub::Service* service_ = nullptr;
  libp2p::Subscription observed_;
  std::set<std::string, std::less<>> ours_;  ///< topics of the API
  std::deque<TopicMessage> messages_;        ///< oldest first
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
};

}  // namespace vivim::gateway
