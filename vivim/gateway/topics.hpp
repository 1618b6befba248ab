#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/problem.hpp"
#include "vivim/gateway/services.hpp"

namespace vivim::gateway {

/// Largest message that the API publishes, as text or as base64url.
inline constexpr std::size_t k_topic_message_bytes_max = std::size_t{256} * 1024;

struct TopicStatus {
  std::string topic;
  bool subscribed = false;
  std::uint64_t peers = 0;       ///< that are in it
  std::uint64_t mesh_peers = 0;  ///< that messages go to and come from at once
};

struct PublishedStatus {
  std::string id;           ///< hexadecimal
  std::uint64_t peers = 0;  ///< that it was sent to; 0: nobody is in the topic, as far as we know
};

/// A message as it came.
struct TopicMessage {
  std::uint64_t number = 0;  ///< grows by one with each message of any topic
  std::string topic;
  std::string id;      ///< hexadecimal
  std::string author;  ///< a peer id; empty: anonymous
  Bytes data;
  std::int64_t received_ms = 0;  ///< since 1970
};

struct TopicMessages {
  std::vector<TopicMessage> messages;  ///< oldest first
  std::uint64_t last = 0;              ///< the newest number there is, to ask for what comes after
};

/// Messages of topics: gossip.
class TopicService {
 public:
  virtual ~TopicService() = default;
  virtual Co<Outcome<std::vector<TopicStatus>>> topics() = 0;
  /// False: we were in it already.
  virtual Co<Outcome<bool>> subscribe(std::string topic) = 0;
  /// not_found when we are not in it.
  virtual Co<Outcome<void>> unsubscribe(std::string topic) = 0;
  virtual Co<Outcome<PublishedStatus>> publish(std::string topic, Bytes data) = 0;
  /// Those of one topic, of those that are kept, whose number is above `after`.
  virtual Co<Outcome<TopicMessages>> messages(std::string topic, std::uint64_t after) = 0;
};

/// Values as docs/api/openapi.json describes them.
std::string to_json(const std::vector<TopicStatus>& topics);
std::string to_json(const PublishedStatus& published);
std::string to_json(const TopicMessages& messages);
/// The event "topic:message".
std::string topic_message_event(const TopicMessage& message);

}  // namespace vivim::gateway
