#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/limits/layers.hpp"
#include "vivim/libp2p/pnet/key.hpp"
#include "vivim/libp2p/quic/transport.hpp"
#include "vivim/libp2p/transport/transport.hpp"
#include "vivim/libp2p/websocket/transport.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/network.hpp"
#include "vivim/rt/resolver.hpp"
#include "vivim/rt/rng.hpp"

namespace vivim::node {

/// What a swarm stands on. All outlive it.
struct SwarmContext {
  rt::Loop& loop;
  rt::Network& network;
  rt::Resolver& resolver;
  rt::Rng& rng;
  rt::Worker& router;  ///< waits for the router's answers
};

/// The ways in which a host connects.
struct Transports {
  std::vector<std::unique_ptr<libp2p::Transport>> all;
  const libp2p::quic::QuicTransport* quic = nullptr;  ///< null: there is none
  const libp2p::websocket::WebSocketTransport* websocket = nullptr;
};

/// TCP, QUIC and WebSocket; in a private network without QUIC, which has no place for its key.
Transports make_transports(const SwarmContext& context, const crypto::KeyPair& key,
                           const libp2p::limits::LayerLimits& layers,
                           const std::optional<libp2p::pnet::PreSharedKey>& private_network,
                           std::unique_ptr<libp2p::websocket::TlsLayer> web_tls);

/// `transport` as it is, or as part of a private network.
std::unique_ptr<libp2p::Transport> enclose(
    std::unique_ptr<libp2p::Transport> transport,
    const std::optional<libp2p::pnet::PreSharedKey>& private_network, rt::Rng& rng);

}  // namespace vivim::node
