#pragma once

#include <chrono>
#include <string>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/rt/sim/world.hpp"

namespace vivim::libp2p::rendezvous::test {

inline constexpr rt::TimePoint k_start{std::chrono::hours(1)};

/// A host on a simulated node.
struct NodeHost {
  explicit NodeHost(rt::sim::Node& node_)
      : node(node_),
        key(crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })),
        host({.key = key}, node.loop(), node.network(), node.rng()) {}

  /// The address at which it listens from now on.
  Multiaddr listen() {
    return host.listen(Multiaddr::parse("/ip4/" + node.ip().to_string() + "/tcp/4001").value())
        .value()
        .with_peer(host.peer_id())
        .value();
  }

  rt::sim::Node& node;
  crypto::KeyPair key;
  Host host;
};

}  // namespace vivim::libp2p::rendezvous::test
