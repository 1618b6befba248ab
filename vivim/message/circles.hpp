#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vivim/base/recent.hpp"
#include "vivim/libp2p/limits/rate.hpp"
#include "vivim/libp2p/metrics/metrics.hpp"
#include "vivim/message/causal_buffer.hpp"
#include "vivim/message/circle.hpp"
#include "vivim/message/envelope.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/rng.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"
#include "vivim/store/messages.hpp"
#include "vivim/store/store.hpp"

namespace vivim::message {

/// Subtopics of a circle that are followed.
inline constexpr std::size_t k_subtopics_max = 16;
/// Longest name of a circle.
inline constexpr std::size_t k_circle_name_bytes_max = 256;

/// What is to be done with what came over a topic.
enum class TopicVerdict : std::uint8_t {
  accept,  ///< pass it on
  ignore,  ///< do not pass it on; nobody is to blame
  reject,  ///< who brought it is to blame
};

/// A message of a circle, opened.
struct CircleMessage {
  CircleTopic topic;
  Message message;  ///< its payload is what the sender wrote
  Order order = Order::none;
};

/// Gossip as circles need it; none of it may await.
struct Gossip {
  std::function<Result<void>(const std::string& topic)> subscribe;
  std::function<void(const std::string& topic)> unsubscribe;
  std::function<Result<void>(const std::string& topic, BytesView data)> publish;
};

struct CirclesOptions {
  CausalLimits causal = {};
  store::MessageQuota quota = {};
  /// Messages of one sender, and of all: 20 and 1,000 in a second, and some more at once.
  libp2p::limits::PeerRates::Limits rates = {
      .each = {.burst = 512, .interval = std::chrono::milliseconds(50)},
      .all = {.burst = 8192, .interval = std::chrono::milliseconds(1)}};
  std::size_t recent_max = 8192;   ///< messages remembered, so that none is taken twice
  std::size_t writing_max = 1024;  ///< messages that wait for the database
  /// A message came, in causal order, and is durable. Must not await.
  std::function<void(const CircleMessage&)> on_message = {};
};

struct CirclesCounts {
  std::uint64_t published = 0;
  std::uint64_t received = 0;
  std::uint64_t known = 0;
  std::uint64_t gaps = 0;  ///< came without something that its sender had seen
  std::uint64_t throttled = 0;
  std::uint64_t refused = 0;  ///< not by a member, over, or not what it should be
  std::uint64_t dropped = 0;  ///< there was no room for it
};

/// The circles that a node is in: their messages over gossip, in causal order
/// (docs/protocol/message.md#circles). What gossip loses is not asked for again; what arrives comes
/// once.
class Circles {
 public:
  /// `signer` is the node's identity. All of it outlives this.
  Circles(rt::Loop& loop, store::Store& store, rt::Rng& rng, Signer signer, Gossip gossip,
          CirclesOptions options);
  ~Circles();
  Circles(const Circles&) = delete;
  Circles& operator=(const Circles&) = delete;

  /// Joins the topics of the circles in the database. Errors: the store's, gossip's.
  rt::Co<Result<void>> start();
  rt::Co<void> stop();

  struct Joined {
    CircleId id;
    std::string name;
    bool had = false;  ///< we were in it
  };
  /// Errors: too_large (the name), the store's, gossip's.
  rt::Co<Result<Joined>> join(CircleSecret secret, std::string name);
  /// Errors: unknown.
  rt::Co<Result<void>> leave(CircleId id);
  /// Also hears a subtopic, until stop(). Errors: unknown, full (k_subtopics_max), gossip's.
  Result<void> follow(const CircleTopic& topic);
  struct Info {
    CircleId id;
    std::string name;
    std::string secret_hex;
    std::size_t members = 0;  ///< that wrote something
    std::size_t waiting = 0;  ///< messages that wait for others
  };
  std::vector<Info> list() const;

  /// Says something to a circle we are in. Errors: unknown, malformed (the subtopic), too_large,
  /// clock_full, the store's, gossip's.
  rt::Co<Result<MessageId>> publish(CircleTopic topic, Bytes payload,
                                    Priority priority = Priority::normal);

  /// Something came over a topic.
  TopicVerdict take(std::string_view topic, BytesView data);

  const CirclesCounts& counts() const { return counts_; }
  /// The numbers, as Prometheus text has them.
  void publish_metrics(libp2p::metrics::Registry& registry) const;

 private:
  struct Member {
    Member(Circle circle_, std::string name_, CausalLimits limits, VectorClock clock)
        : circle(std::move(circle_)), name(std::move(name_)), buffer(limits, std::move(clock)) {}
    Circle circle;
    std::string name;
    CausalBuffer buffer;
    std::set<std::string> topics;  ///< that we are subscribed to
  };

  Result<void> enter(const store::CircleRow& row);
  Result<void> subscribe(Member& member, const std::string& topic);
  void arm();
  void deliver(std::vector<Ordered> messages);
  rt::Co<void> write_all();
  rt::Co<void> keep(const CircleMessage& message);
  rt::Co<void> wait_for_gaps();

  rt::Loop& loop_;
  store::Store& store_;
  rt::Rng& rng_;
  Signer signer_;
  PeerId self_;
  Gossip gossip_;
  CirclesOptions options_;
  std::map<CircleId, std::unique_ptr<Member>> members_;
  libp2p::limits::PeerRates rates_;
  Recent<std::pair<PeerId, MessageId>, bool> recent_;
  rt::Channel<CircleMessage> to_write_;
  std::unique_ptr<rt::Timer> timer_;
  CirclesCounts counts_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::message
