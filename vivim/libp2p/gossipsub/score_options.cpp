#include "vivim/libp2p/gossipsub/score_options.hpp"

#include <cmath>
#include <initializer_list>

#include "vivim/libp2p/gossipsub/error.hpp"

namespace vivim::libp2p::gossipsub {

namespace {

bool is_merit(double weight) {
  return std::isfinite(weight) && weight >= 0;
}

bool is_penalty(double weight) {
  return std::isfinite(weight) && weight <= 0;
}

bool is_decay(double decay) {
  return decay > 0 && decay < 1;
}

/// The number of the first check that failed.
Result<void> all_of(std::initializer_list<bool> checks) {
  std::uint64_t number = 1;
  for (const bool good : checks) {
    if (!good) {
      return fail(GossipsubError::bad_options, number);
    }
    ++number;
  }
  return {};
}

}  // namespace

Result<void> check(const TopicScoreOptions& options) {
  return all_of({
      is_merit(options.weight),
      is_merit(options.time_in_mesh_weight),
      options.time_in_mesh_quantum > rt::Duration::zero(),
      is_merit(options.time_in_mesh_cap),
      is_merit(options.first_deliveries_weight),
      is_decay(options.first_deliveries_decay),
      is_merit(options.first_deliveries_cap),
      is_penalty(options.mesh_deliveries_weight),
      is_decay(options.mesh_deliveries_decay),
      is_merit(options.mesh_deliveries_cap),
      is_merit(options.mesh_deliveries_threshold) &&
          options.mesh_deliveries_threshold <= options.mesh_deliveries_cap,
      options.mesh_deliveries_activation >= std::chrono::seconds(1),
      is_penalty(options.mesh_failure_weight),
      is_decay(options.mesh_failure_decay),
      is_penalty(options.invalid_weight),
      is_decay(options.invalid_decay),
  });
}

Result<void> check(const ScoreOptions& options) {
  const Thresholds& at = options.thresholds;
  return all_of({
      is_penalty(at.gossip),
      is_penalty(at.publish) && at.publish <= at.gossip,
      is_penalty(at.graylist) && at.graylist <= at.publish,
      is_merit(at.accept_px),
      is_merit(at.opportunistic_graft),
      is_merit(options.topic_cap),
      is_merit(options.app_weight),
      is_penalty(options.colocation_weight),
      options.colocation_threshold >= 1,
      is_penalty(options.behaviour_weight),
      is_merit(options.behaviour_threshold),
      is_decay(options.behaviour_decay),
      is_penalty(options.slow_weight),
      is_merit(options.slow_threshold),
      is_decay(options.slow_decay),
      options.decay_interval >= std::chrono::milliseconds(100),
      is_decay(options.decay_to_zero),
      options.retain >= rt::Duration::zero(),
  });
}

}  // namespace vivim::libp2p::gossipsub
