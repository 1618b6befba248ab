#pragma once

#include "vivim/gateway/services.hpp"
#include "vivim/store/store.hpp"
#include "vivim/sync/gossip/document_gossip.hpp"

namespace vivim::node {

/// Tickets and grants, whose documents are gossiped from when they are shared until they are not.
class GossipingShares final : public gateway::ShareService {
 public:
  /// All must outlive it.
  GossipingShares(gateway::ShareService& shares, store::Store& store, sync::DocumentGossip& gossip)
      : shares_(shares), store_(store), gossip_(gossip) {}

  rt::Co<Outcome<gateway::SharedTicket>> share(store::DocumentId id, store::Access access) override;
  rt::Co<Outcome<gateway::DocumentShares>> shares(store::DocumentId id) override;
  rt::Co<Outcome<void>> revoke(store::DocumentId id) override;
  rt::Co<Outcome<gateway::Joined>> join(std::string ticket) override;

  /// Reads the grants anew.
  rt::Co<void> refresh();

 private:
  gateway::ShareService& shares_;
  store::Store& store_;
  sync::DocumentGossip& gossip_;
};

}  // namespace vivim::node
