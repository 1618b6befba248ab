#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vivim/libp2p/dcutr/hole_puncher.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/mdns/service.hpp"
#include "vivim/libp2p/perf/service.hpp"
#include "vivim/libp2p/relay/server.hpp"
#include "vivim/node/config.hpp"
#include "vivim/rt/resolver.hpp"

namespace vivim::node {

/// The libp2p side of a node: its host with every transport, security and muxer, and the services
/// that the configuration asks for. The host can dial at once; it serves from serve() on.
class Swarm {
 public:
  /// All outlive it.
  struct Context {
    rt::Loop& loop;
    rt::Network& network;
    rt::Resolver& resolver;
    rt::Rng& rng;
  };
  struct Options {
    std::string agent;
    std::optional<libp2p::limits::Limits> limits = {};
    /// What encode_peers() gave; what cannot be read of it is forgotten.
    Bytes peers = {};
    /// Somebody was found; `source` is "mdns". Must not await.
    std::function<void(const libp2p::PeerId& peer, std::string_view source)> on_discovered = {};
  };

  Swarm(Context context, const crypto::KeyPair& key, Options options);

  libp2p::Host& host() { return host_; }

  /// Begins to listen, and what `config` asks for. A Problem names the address that it is about.
  Outcome<void> serve(const NetworkConfig& config);
  /// Ends everything, the host last. Idempotent.
  rt::Co<void> stop();

  /// What is known of peers, to be given to the next Swarm.
  Bytes encode_peers() { return host_.peer_store().encode(); }

 private:
  Outcome<void> listen(const NetworkConfig& config);
  void start_mdns();
  void on_mdns(const libp2p::mdns::Event& event);

  Context context_;
  libp2p::record::Signer signer_;
  libp2p::Host host_;
  std::function<void(const libp2p::PeerId&, std::string_view)> on_discovered_;
  libp2p::dcutr::HolePuncher hole_puncher_;
  std::unique_ptr<libp2p::mdns::Service> mdns_;
  std::optional<libp2p::perf::Server> perf_;
  std::optional<libp2p::relay::RelayServer> relay_;
};

}  // namespace vivim::node
