#pragma once

#include <memory>
#include <optional>

#include "vivim/chat/library/hub_documents.hpp"
#include "vivim/chat/library/library.hpp"
#include "vivim/crypto/ed25519.hpp"
#include "vivim/gateway/api.hpp"
#include "vivim/gateway/documents.hpp"
#include "vivim/gateway/events.hpp"
#include "vivim/gateway/gateway.hpp"
#include "vivim/gateway/gossip_topics.hpp"
#include "vivim/gateway/host_network.hpp"
#include "vivim/gateway/library_service.hpp"
#include "vivim/gateway/server.hpp"
#include "vivim/gateway/static_files.hpp"
#include "vivim/gateway/uploads.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/node/gossiping_shares.hpp"
#include "vivim/node/message_service.hpp"
#include "vivim/node/node.hpp"
#include "vivim/node/node_dht.hpp"
#include "vivim/node/swarm.hpp"
#include "vivim/node/swarm_status.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/store/store.hpp"
#include "vivim/sync/document_hub.hpp"
#include "vivim/sync/gossip/document_gossip.hpp"
#include "vivim/sync/peers/peer_sync.hpp"
#include "vivim/sync/peers/sharing.hpp"

namespace vivim::node {

/// The node itself, for the API.
class StatusService final : public gateway::NodeService {
 public:
  StatusService(World world, NodeOptions options, sync::DocumentHub& hub, chat::Library& library,
                Swarm& swarm);

  rt::Co<Outcome<gateway::NodeStatus>> status() override;
  rt::Co<Outcome<void>> stop() override;
  rt::Co<Outcome<std::string>> metrics() override;

  void set_http(std::string url) { http_ = std::move(url); }
  const std::string& http() const { return http_; }
  rt::Event& stop_requested() { return stop_requested_; }

 private:
  rt::Loop& loop_;
  NodeOptions options_;
  sync::DocumentHub& hub_;
  chat::Library& library_;
  Swarm& swarm_;
  rt::TimePoint started_;
  std::string http_;
  rt::Event stop_requested_;
};

/// What is known of other nodes from an earlier life.
struct KnownNodes {
  Bytes peers;       ///< Swarm::encode_peers()
  Bytes dht;         ///< Swarm::encode_dht()
  Bytes dht_values;  ///< Swarm::encode_dht_values()
};

/// Every part, in the order in which they need each other: made from top to bottom.
struct Node::Parts {
  Parts(World world_, NodeOptions options, std::unique_ptr<store::Store> store_,
        const crypto::KeyPair& key, KnownNodes known,
        std::unique_ptr<libp2p::websocket::TlsLayer> web_tls);

  World world;
  std::unique_ptr<store::Store> store;
  sync::DocumentHub hub;
  Swarm swarm;
  libp2p::Host& host;
  sync::PeerSync peers;
  sync::Sharing sharing;
  chat::HubDocuments documents;
  chat::Library library;

  gateway::EventHub events;
  gateway::ChatLibrary chat_library;
  gateway::TicketShares ticket_shares;
  sync::DocumentGossip document_gossip;
  libp2p::Subscription document_gossip_published;
  GossipingShares shares;
  NodeDht dht;
  AnnouncedShares announced_shares;
  gateway::HostNetwork network;
  MessageService messages;
  gateway::SyncDocuments browser_documents;
  gateway::GossipTopics topics;
  SwarmStatus reachability;
  StatusService status;
  rt::TaskGroup tasks;
  gateway::Router router;

  // What only a node that serves has.
  std::optional<gateway::Uploads> uploads;
  std::optional<gateway::StaticFiles> files;
  std::optional<gateway::Gateway> gateway;
  std::optional<gateway::Server> server;
  std::optional<gateway::Api> api;
  bool serving = false;
  bool stopped = false;
};

/// A failed Database::open() told to a person.
Problem open_problem(const HomePaths& home, const Error& error);

}  // namespace vivim::node
