#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vivim/libp2p/host/host.hpp"
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

  Swarm(Context context, const crypto::KeyPair& key, std::string agent);

  libp2p::Host& host() { return host_; }

  /// Begins to listen, and what `config` asks for. A Problem names the address that it is about.
  Outcome<void> serve(const NetworkConfig& config);
  /// Ends everything, the host last. Idempotent.
  rt::Co<void> stop();

 private:
  Outcome<void> listen(const NetworkConfig& config);

  Context context_;
  libp2p::record::Signer signer_;
  libp2p::Host host_;
  std::optional<libp2p::perf::Server> perf_;
  std::optional<libp2p::relay::RelayServer> relay_;
};

}  // namespace vivim::node
