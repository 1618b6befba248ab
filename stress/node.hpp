#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/libp2p/autonat/server.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/perf/service.hpp"
#include "vivim/libp2p/relay/client.hpp"
#include "vivim/libp2p/relay/server.hpp"
#include "vivim/libp2p/rendezvous/server.hpp"
#include "vivim/rt/network.hpp"
#include "vivim/rt/rng.hpp"

namespace vivim::libp2p::quic {
class QuicTransport;
}

namespace vivim::libp2p::websocket {
class WebSocketTransport;
}

namespace vivim::stress {

using libp2p::Multiaddr;
using libp2p::PeerId;

/// Sends back what it gets, until the other side ends.
inline constexpr std::string_view k_echo_protocol = "/vivim/stress/echo/1.0.0";

/// Where a node listens; each 0 picks a port.
struct Ports {
  std::uint16_t tcp = 0;
  std::uint16_t ws = 0;
  std::uint16_t quic = 0;
};

/// The transport of an address that a node listens at.
enum class Way : std::uint8_t { tcp, ws, quic };
inline constexpr std::size_t k_ways = 3;

struct NodeOptions {
  libp2p::HostLimits limits = {};
  libp2p::HostTimes times = {};
  libp2p::relay::KeeperTimes keeper = {};
  bool serves = false;  ///< relay, AutoNAT, rendezvous and perf, for others
};

/// A host with everything that a node has: TCP, WebSocket, QUIC and relayed circuits; Noise and
/// TLS; yamux and mplex; and, if it serves, all services. Over real or simulated sockets.
class Node {
 public:
  /// `key` is copied by what needs it, and outlives this.
  Node(const crypto::KeyPair& key, rt::Loop& loop, rt::Network& network, rt::Rng& rng,
       NodeOptions options = {});
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  libp2p::Host& host() { return host_; }
  PeerId peer() const { return host_.peer_id(); }
  /// Listens at all three transports of an address; tried again with free ports where one is taken.
  Result<void> listen(const rt::IpAddress& ip, Ports ports = {});
  /// Where it listens, ending in /p2p/<id>.
  const Multiaddr& address(Way way) const { return addresses_[static_cast<std::size_t>(way)]; }
  Ports ports() const { return ports_; }

  /// Everything that it has refused and counted so far: connections, streams, requests, packets.
  std::uint64_t refusals() const;
  /// Whether a relay holds a reservation of ours.
  bool reserved(const PeerId& relay) const { return circuits_->reserved(relay); }
  rt::Co<void> stop();

 private:
  static libp2p::HostOptions host_options(const crypto::KeyPair& key, const NodeOptions& options);
  Result<std::uint16_t> listen_at(const rt::IpAddress& ip, Way way, std::uint16_t port);
  void add_ways(const crypto::KeyPair& key, rt::Network& network, rt::Rng& rng,
                const NodeOptions& options);
  void add_services(const crypto::KeyPair& key, rt::Network& network, rt::Rng& rng);

  rt::Loop& loop_;
  libp2p::Host host_;
  std::vector<Multiaddr> addresses_;
  Ports ports_;
  // The host's:
  libp2p::websocket::WebSocketTransport* ws_ = nullptr;
  libp2p::quic::QuicTransport* quic_ = nullptr;
  libp2p::relay::RelayTransport* circuits_ = nullptr;
  std::unique_ptr<crypto::KeyPair> dialer_key_;
  std::unique_ptr<libp2p::Host> dialer_;  ///< makes AutoNAT's dials
  std::unique_ptr<libp2p::relay::RelayServer> relay_;
  std::unique_ptr<libp2p::autonat::AutonatServer> autonat_;
  std::unique_ptr<libp2p::rendezvous::Server> rendezvous_;
  std::unique_ptr<libp2p::perf::Server> perf_;
};

}  // namespace vivim::stress
