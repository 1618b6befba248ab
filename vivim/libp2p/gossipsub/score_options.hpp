#pragma once

#include <cstdint>

#include "vivim/base/result.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::gossipsub {

// Names of the parameters follow specs gossipsub-v1.1 "The Score Function". The defaults fit topics
// in which a few people talk: what would punish silence is off.

/// What is done with a peer below or above a score.
struct Thresholds {
  double gossip = -10;             ///< below: no gossip is sent to it, none of its own is heard
  double publish = -50;            ///< below: our own messages are not sent to it
  double graylist = -80;           ///< below: nothing of it is read
  double accept_px = 10;           ///< above: we connect with peers that it tells of
  double opportunistic_graft = 5;  ///< mesh whose median is below: grafts better ones
};

/// How a peer's behaviour in one topic counts.
struct TopicScoreOptions {
  double weight = 1;

  // P1: time in the mesh.
  double time_in_mesh_weight = 0.01;
  rt::Duration time_in_mesh_quantum = std::chrono::seconds(1);
  double time_in_mesh_cap = 1000;

  // P2: first deliveries of messages.
  double first_deliveries_weight = 1;
  double first_deliveries_decay = 0.97;
  double first_deliveries_cap = 40;

  // P3: deliveries within the mesh, squared deficit. Off: in a topic where one peer speaks, those
  // behind us never deliver to us first. For topics with many speakers everywhere.
  double mesh_deliveries_weight = 0;
  double mesh_deliveries_decay = 0.97;
  double mesh_deliveries_cap = 100;
  double mesh_deliveries_threshold = 20;
  rt::Duration mesh_deliveries_window = std::chrono::milliseconds(10);
  rt::Duration mesh_deliveries_activation = std::chrono::seconds(30);

  // P3b: deficit when it was pruned, squared, sticky.
  double mesh_failure_weight = 0;
  double mesh_failure_decay = 0.97;

  // P4: invalid messages, squared.
  double invalid_weight = -10;
  double invalid_decay = 0.985;
};

/// Whether good deeds make up for bad ones.
enum class Balance : std::uint8_t {
  strict,  ///< while a peer has a penalty for what it did (P3, P3b, P4, P7), its merits do not
           ///< count
  summed,  ///< as the specification: merits and penalties are added up
};

struct ScoreOptions {
  Thresholds thresholds = {};
  Balance balance = Balance::strict;
  double topic_cap = 100;  ///< of what all topics give together; 0: none

  // P5: what the application says.
  double app_weight = 1;

  // P6: peers of one address above the threshold, squared.
  double colocation_weight = -5;
  double colocation_threshold = 10;

  // P7: broken promises, GRAFTs too early, floods; squared above the threshold.
  double behaviour_weight = -10;
  double behaviour_threshold = 2;
  double behaviour_decay = 0.985;

  // Messages that were dropped because the peer did not take them.
  double slow_weight = -0.2;
  double slow_threshold = 20;
  double slow_decay = 0.9;

  rt::Duration decay_interval = std::chrono::seconds(1);
  double decay_to_zero = 0.01;
  /// How long what is bad is remembered of a peer that went.
  rt::Duration retain = std::chrono::hours(1);
  /// Peers that went and are remembered.
  std::size_t retained_max = 4096;
};

/// Errors: bad_options; detail: the number of the check, in the order of the struct.
Result<void> check(const TopicScoreOptions& options);
Result<void> check(const ScoreOptions& options);

}  // namespace vivim::libp2p::gossipsub
