#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "vivim/libp2p/bootstrap/bootstrap.hpp"
#include "vivim/libp2p/dcutr/hole_puncher.hpp"
#include "vivim/libp2p/gossipsub/service.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/kad/dht.hpp"
#include "vivim/libp2p/mdns/service.hpp"
#include "vivim/libp2p/perf/service.hpp"
#include "vivim/libp2p/relay/server.hpp"
#include "vivim/libp2p/rendezvous/member.hpp"
#include "vivim/libp2p/rendezvous/server.hpp"
#include "vivim/node/autonat_service.hpp"
#include "vivim/node/config.hpp"
#include "vivim/node/discoveries.hpp"
#include "vivim/node/instances.hpp"
#include "vivim/node/port_mapper.hpp"
#include "vivim/node/refusal_log.hpp"
#include "vivim/node/relay_seeker.hpp"
#include "vivim/node/transports.hpp"

namespace vivim::node {

struct SwarmOptions {
  std::string agent;
  std::optional<libp2p::limits::Limits> limits = {};
  /// What encode_peers() gave; what cannot be read of it is forgotten.
  Bytes peers = {};
  /// What encode_dht() gave.
  Bytes dht = {};
  /// What encode_dht_values() gave.
  Bytes dht_values = {};
  /// Present: only its members are talked to.
  std::optional<libp2p::pnet::PreSharedKey> private_network = {};
  /// For secure WebSocket; null: it is neither dialled nor listened on.
  std::unique_ptr<libp2p::websocket::TlsLayer> web_tls = nullptr;
  /// Absent: that of the public network, or among the members of a private one.
  std::optional<AutonatPolicy> autonat = {};
  /// Somebody was found for the first time; `source`: "mdns", "bootstrap", "rendezvous",
  /// "gossip", "identify". Must not await.
  std::function<void(const libp2p::PeerId& peer, std::string_view source)> on_discovered = {};
};

/// The libp2p side of a node: its host with every transport, security and muxer, and the services
/// that the configuration asks for. The host can dial at once; it serves from serve() on.
class Swarm {
 public:
  Swarm(SwarmContext context, const crypto::KeyPair& key, SwarmOptions options);

  libp2p::Host& host() { return host_; }

  /// Begins to listen, and what `config` asks for. A Problem names the address that it is about.
  Outcome<void> serve(const NetworkConfig& config);
  /// Ends everything, the host last. Idempotent.
  rt::Co<void> stop();

  /// What is known of peers, to be given to the next Swarm.
  Bytes encode_peers() { return host_.peer_store().encode(); }

  /// Whom of the DHT is known, to be given to the next Swarm.
  Bytes encode_dht() const { return dht_ ? dht_->encode_table() : Bytes(); }
  Bytes encode_dht_values() const { return dht_ ? dht_->encode_values() : Bytes(); }
  /// Null while it does not serve, or where the configuration says so.
  libp2p::kad::Dht* dht() { return dht_.get(); }

  /// Whether others reach us, as far as they told; without AutoNAT nobody does.
  libp2p::autonat::Reachability reachability() const;
  /// Of each address that somebody was asked about, without /p2p.
  std::vector<libp2p::autonat::AddressReachability> address_reachability() const;
  /// Addresses that the configuration announces, without /p2p.
  const std::vector<multiformats::Multiaddr>& announced() const { return announced_; }
  /// By which people compare the keys of private networks; empty in the public one.
  std::string private_network() const;

  /// The parts; null what the configuration does not ask for.
  const AutonatService* autonat() const { return autonat_.get(); }
  const PortMapper* port_mapper() const { return mapper_ ? &*mapper_ : nullptr; }
  const RelaySeeker* relay_seeker() const { return seeker_ ? &*seeker_ : nullptr; }
  const libp2p::rendezvous::Member* rendezvous() const { return member_ ? &*member_ : nullptr; }
  libp2p::gossipsub::Service* gossip() { return gossip_ ? &*gossip_ : nullptr; }

  /// Every number of the swarm as Prometheus text.
  std::string metrics_text() const;

 private:
  Outcome<void> listen(const NetworkConfig& config);
  Outcome<void> serve_others(const NetworkConfig& config);
  Outcome<void> look_for_others(const NetworkConfig& config);
  Outcome<void> start_gossip(const PubsubConfig& config);
  Outcome<void> join_dht(const DhtConfig& config);
  void start_mdns();
  void start_port_mapping();
  void announce();
  void on_host_event(const libp2p::HostEvent& event);
  void on_mdns(const libp2p::mdns::Event& event);
  void discovered(const libp2p::PeerId& peer, std::string_view source);

  SwarmContext context_;
  libp2p::record::Signer signer_;
  std::optional<libp2p::pnet::PreSharedKey> private_network_;
  AutonatPolicy policy_;
  Transports transports_;  ///< of the host, which owns them
  libp2p::Host host_;
  const libp2p::relay::RelayTransport* relay_transport_ = nullptr;
  std::function<void(const libp2p::PeerId&, std::string_view)> on_discovered_;
  Discoveries discoveries_;
  std::set<libp2p::PeerId> bootstrap_peers_;
  std::vector<multiformats::Multiaddr> announced_;
  std::map<libp2p::dcutr::HolePunchEvent::Kind, std::uint64_t> hole_punches_;
  libp2p::Subscription watching_;
  libp2p::dcutr::HolePuncher hole_puncher_;
  RefusalLog refusal_log_;
  std::optional<libp2p::gossipsub::Service> gossip_;
  std::optional<Instances> instances_;
  std::unique_ptr<libp2p::mdns::Service> mdns_;
  std::optional<libp2p::perf::Server> perf_;
  std::optional<libp2p::relay::RelayServer> relay_;
  std::optional<libp2p::rendezvous::Server> rendezvous_server_;
  std::optional<libp2p::rendezvous::Member> member_;
  std::optional<libp2p::bootstrap::Bootstrap> bootstrap_;
  std::unique_ptr<AutonatService> autonat_;
  Bytes known_dht_;
  Bytes held_values_;
  std::unique_ptr<libp2p::kad::Dht> dht_;
  std::optional<PortMapper> mapper_;
  std::optional<RelaySeeker> seeker_;
};

}  // namespace vivim::node
