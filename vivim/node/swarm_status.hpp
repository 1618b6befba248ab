#pragma once

#include "vivim/gateway/services.hpp"
#include "vivim/node/swarm.hpp"

namespace vivim::node {

/// Where others reach the node, for the API.
class SwarmStatus final : public gateway::ReachabilityService {
 public:
  /// The swarm must outlive it.
  explicit SwarmStatus(Swarm& swarm) : swarm_(swarm) {}

  rt::Co<Outcome<gateway::AddressesStatus>> addresses() override;
  rt::Co<Outcome<gateway::ReachabilityStatus>> reachability() override;

 private:
  Swarm& swarm_;
};

}  // namespace vivim::node
