#pragma once

#include "vivim/gateway/services.hpp"

namespace vivim::gateway {

/// What needs a running node, for a home whose node does not run: every call says how to start it.
/// So the command line can dispatch to the same routes in process.
class OfflineServices final : public ShareService, public NetworkService, public DocumentService {
 public:
  Co<Outcome<SharedTicket>> share(store::DocumentId id) override;
  Co<Outcome<DocumentShares>> shares(store::DocumentId id) override;
  Co<Outcome<void>> revoke(store::DocumentId id) override;
  Co<Outcome<Joined>> join(std::string ticket) override;
  Co<Outcome<NodeIdentity>> identity() override;
  Co<Outcome<std::vector<PeerStatus>>> peers() override;
  Co<Outcome<std::string>> connect(std::string multiaddr) override;
  Co<void> serve(std::string document, WebSocket& socket) override;
};

}  // namespace vivim::gateway
