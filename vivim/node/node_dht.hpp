#pragma once

#include <string>

#include "vivim/gateway/dht_service.hpp"
#include "vivim/gateway/events.hpp"
#include "vivim/gateway/services.hpp"
#include "vivim/node/swarm.hpp"
#include "vivim/store/ids.hpp"

namespace vivim::node {

/// Under which key a document is announced in the DHT (docs/protocol/kad.md#documents).
Bytes document_key(const store::DocumentId& document);

/// The node's DHT for the API, and what the node announces in it. Does nothing while the swarm has
/// no DHT.
class NodeDht final : public gateway::DhtService {
 public:
  /// `signer` is the host's identity. Both references must outlive it.
  NodeDht(Swarm& swarm, gateway::EventHub& events, libp2p::record::Signer signer)
      : swarm_(swarm), events_(events), signer_(std::move(signer)) {}

  rt::Co<Outcome<gateway::ContentProviders>> providers(std::string content,
                                                       std::uint64_t enough) override;
  rt::Co<Outcome<gateway::DhtStored>> provide(std::string content) override;
  rt::Co<Outcome<gateway::DhtValue>> value(std::string key) override;
  rt::Co<Outcome<gateway::DhtStored>> put(std::string name, std::string text) override;
  rt::Co<Outcome<gateway::DhtPeer>> find(std::string peer_id) override;

  /// The document is shared from here: said again and again until withdraw().
  void announce(const store::DocumentId& document);
  void withdraw(const store::DocumentId& document);

 private:
  /// Problem: unavailable.
  Outcome<libp2p::kad::Dht*> dht() const;

  Swarm& swarm_;
  gateway::EventHub& events_;
  libp2p::record::Signer signer_;
};

/// Shares of documents that are announced while they last.
class AnnouncedShares final : public gateway::ShareService {
 public:
  /// Both must outlive it.
  AnnouncedShares(gateway::ShareService& shares, NodeDht& dht) : shares_(shares), dht_(dht) {}

  rt::Co<Outcome<gateway::SharedTicket>> share(store::DocumentId id, store::Access access) override;
  rt::Co<Outcome<gateway::DocumentShares>> shares(store::DocumentId id) override;
  rt::Co<Outcome<void>> revoke(store::DocumentId id) override;
  rt::Co<Outcome<gateway::Joined>> join(std::string ticket) override;

 private:
  gateway::ShareService& shares_;
  NodeDht& dht_;
};

}  // namespace vivim::node
