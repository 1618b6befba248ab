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
#include "vivim/message/frame.hpp"
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
  /// Who else is in a topic, as far as is known.
  std::function<std::vector<PeerId>(const std::string& topic)> peers = {};
};

struct CirclesOptions {
  CausalLimits causal = {};
  store::MessageQuota quota = {};
  store::CircleLogQuota log = {};  ///< of each circle
  /// Messages of one sender, and of all: 20 and 1,000 in a second, and some more at once.
  libp2p::limits::PeerRates::Limits rates = {
      .each = {.burst = 512, .interval = std::chrono::milliseconds(50)},
      .all = {.burst = 8192, .interval = std::chrono::milliseconds(1)}};
  std::size_t recent_max = 8192;  ///< messages remembered, so that none is taken twice
  /// Messages that wait for the database; while there are so many, no others are taken. Those that
  /// waited for their causes go behind them.
  std::size_t writing_max = 1024;
  /// A message came, in causal order, and is durable. Must not await.
  std::function<void(const CircleMessage&)> on_message = {};
};

struct CirclesCounts {
  std::uint64_t published = 0;
  std::uint64_t received = 0;
  std::uint64_t caught_up = 0;  ///< of those, what members told who were asked
  std::uint64_t known = 0;
  std::uint64_t gaps = 0;  ///< came without something that its sender had seen
  std::uint64_t throttled = 0;
  std::uint64_t refused = 0;  ///< not by a member, over, or not what it should be
  std::uint64_t retried = 0;  ///< writes that failed: they are tried until they do not
};

/// The circles that a node is in: their messages over gossip, in causal order
/// (docs/protocol/message.md#circles). What arrives comes once; what gossip did not bring, other
/// members are asked for (CircleSync).
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
  };
  std::vector<Info> list() const;
  /// The circles, without their secrets, and whether a message in them waits for others.
  std::vector<std::pair<CircleId, bool>> waiting() const;

  /// Says something to a circle we are in. Errors: unknown, malformed (the subtopic), too_large,
  /// clock_full, the store's, gossip's.
  rt::Co<Result<MessageId>> publish(CircleTopic topic, Bytes payload,
                                    Priority priority = Priority::normal);

  /// Something came over a topic.
  TopicVerdict take(std::string_view topic, BytesView data);

  /// What to ask other members for, who can tell from it that we are one. Errors: unknown.
  Result<Ask> ask(const CircleId& id);
  /// What `asker` has not heard, a part of it. Errors: unknown (the circle, to somebody who does
  /// not have its secret), the store's.
  rt::Co<Result<Said>> said_since(PeerId asker, Ask ask);
  struct CaughtUp {
    std::size_t fresh = 0;  ///< that we did not know, or had forgotten that we said
    bool honest = true;     ///< all of it was said in the circle
  };
  /// Takes in what a member told; resumes when it is durable.
  rt::Co<CaughtUp> take_said(CircleId id, Said said);
  /// Who may be a member and can be asked.
  std::vector<PeerId> neighbours(const CircleId& id) const;

  const CirclesCounts& counts() const { return counts_; }
  /// The numbers, as Prometheus text has them.
  void publish_metrics(libp2p::metrics::Registry& registry) const;

 private:
  struct Member {
    Member(Circle circle_, std::string name_, CausalLimits limits, VectorClock clock)
        : circle(std::move(circle_)),
          name(std::move(name_)),
          buffer(limits, clock),
          kept(std::move(clock)) {}
    Circle circle;
    std::string name;
    CausalBuffer buffer;
    /// What of it is durable: others are asked for the rest.
    VectorClock kept;
    std::map<std::pair<PeerId, MessageId>, Bytes> envelopes;  ///< of those in the buffer
    std::set<std::string> topics;                             ///< that we are subscribed to
  };
  /// One that comes next to the disk.
  struct Heard {
    CircleMessage said;
    Bytes envelope;
  };
  enum class Came : std::uint8_t { fresh, own, known, over, throttled, refused };
  enum class Way : std::uint8_t { gossip, asked };

  Result<void> enter(const store::CircleRow& row);
  Result<void> subscribe(Member& member, const std::string& topic);
  void arm();
  rt::Co<Result<void>> forget_old();
  Came take_in(Member& member, const CircleTopic& topic, Message message, BytesView envelope,
               Way way);
  Came take_own(Member& member, const Message& message);
  void deliver(Member& member, std::vector<Ordered> messages);
  rt::Co<void> write_all();
  rt::Co<void> keep(const Heard& heard);
  rt::Co<Result<store::Messages::Taken>> write(const Heard& heard);
  void note(const CircleMessage& said, store::Messages::Taken kept);
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
  rt::Channel<Heard> to_write_;
  std::size_t writing_ = 0;  ///< messages in it, and the one that is being written
  rt::Event written_;        ///< there are none, or the last write failed
  bool failing_ = false;     ///< it did
  std::unique_ptr<rt::Timer> timer_;
  std::unique_ptr<rt::Timer> retry_;
  CirclesCounts counts_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::message
