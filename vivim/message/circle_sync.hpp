#pragma once

#include <memory>
#include <set>

#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/limits/rate.hpp"
#include "vivim/message/circles.hpp"
#include "vivim/message/conversation.hpp"
#include "vivim/message/stream_counter.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::message {

struct CircleSyncOptions {
  StreamLimits streams = {};                         ///< inbound
  std::size_t asks_max = 16;                         ///< of ours, under way
  std::size_t answers_max = 64;                      ///< that we ask for one after another
  rt::Duration interval = std::chrono::seconds(10);  ///< between looks at what is missing
  std::size_t rounds_idle = 6;                       ///< looks, until we ask in any case
  rt::Duration wait_max = std::chrono::seconds(20);  ///< for an answer, or the next question
  /// Questions of one peer, and of all.
  libp2p::limits::PeerRates::Limits rates = {
      .each = {.burst = 128, .interval = std::chrono::milliseconds(500)},
      .all = {.burst = 1024, .interval = std::chrono::milliseconds(10)}};
};

/// Members of a circle tell each other what one of them has not heard, because gossip lost it or
/// because it was away (`/vivim/circle/1.0.0`, docs/protocol/message.md#catching-up). Who is no
/// member is told nothing, and nothing that it says is taken.
class CircleSync {
 public:
  /// All of it outlives this.
  CircleSync(libp2p::Host& host, rt::Loop& loop, rt::Rng& rng, Circles& circles,
             CircleSyncOptions options = {});
  ~CircleSync();
  CircleSync(const CircleSync&) = delete;
  CircleSync& operator=(const CircleSync&) = delete;

  /// Answers, and looks for what is missing. Errors: Host::handle's.
  Result<void> start();
  /// Awaited after the host's stop(), which ends what is under way, and before the circles'.
  rt::Co<void> stop();

  /// Somebody came who may be a member: asks for what they know. Nothing happens while they are
  /// asked already, or as many others as there may be.
  void ask(const PeerId& peer, const CircleId& circle);
  /// We are in it from now on: asks some of those who may be there.
  void joined(const CircleId& circle);

  struct Counts {
    std::uint64_t asked = 0;      ///< conversations that we began
    std::uint64_t answered = 0;   ///< questions of others
    std::uint64_t strangers = 0;  ///< questions of those who are no members
    std::uint64_t throttled = 0;
    std::uint64_t dishonest = 0;  ///< answers with what was not said in the circle
  };
  const Counts& counts() const { return counts_; }
  const StreamCounter& streams() const { return streams_; }
  void publish_metrics(libp2p::metrics::Registry& registry) const;

 private:
  rt::Co<void> look();
  rt::Co<void> ask_one(PeerId peer, CircleId circle);
  rt::Co<void> converse(PeerId peer, CircleId circle);
  rt::Co<void> serve(libp2p::InboundStream inbound);
  rt::Co<Frame> answer(PeerId peer, Ask ask);

  libp2p::Host& host_;
  rt::Loop& loop_;
  rt::Rng& rng_;
  Circles& circles_;
  CircleSyncOptions options_;
  StreamCounter streams_;
  libp2p::limits::PeerRates rates_;
  std::unique_ptr<rt::Timer> timer_;
  std::set<std::pair<PeerId, CircleId>> asking_;
  Counts counts_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::message
