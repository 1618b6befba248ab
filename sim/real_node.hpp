#pragma once

#include "vivim/crypto/random.hpp"
#include "vivim/libp2p/gossipsub/service.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/rng.hpp"

namespace vivim::sim {

/// Inbound handshakes of a RealNode at a time.
inline constexpr std::size_t k_real_handshakes_max = 256;

/// A host on real sockets, with gossipsub, and room for so many peers.
struct RealNode {
  RealNode(rt::asio_::Loop& loop, rt::asio_::TcpNetwork& network, rt::Rng& rng, std::size_t peers)
      : key(crypto::KeyPair::generate(crypto::os_random)),
        host({.key = key, .limits = limits_for(peers), .connection_manager = water_marks(peers)},
             loop, network, rng),
        service(host, loop, rng, options(key)) {}

  static libp2p::HostLimits limits_for(std::size_t peers) {
    libp2p::HostLimits limits;
    limits.inbound_connections_max = limits.connections_per_address_max = peers + 16;
    limits.handshakes_max = k_real_handshakes_max;
    return limits;
  }
  static libp2p::ConnectionManagerOptions water_marks(std::size_t peers) {
    return {.low_water = peers + 16, .high_water = peers + 32};
  }
  static libp2p::gossipsub::ServiceOptions options(const crypto::KeyPair& key) {
    libp2p::gossipsub::ServiceOptions options;
    options.router.signer = libp2p::record::Signer::of(key);
    options.router.score.colocation_weight = 0;  // all of them are at 127.0.0.1
    return options;
  }

  crypto::KeyPair key;
  libp2p::Host host;
  libp2p::gossipsub::Service service;
  libp2p::Subscription subscription;
};

}  // namespace vivim::sim
