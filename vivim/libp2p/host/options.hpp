#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/host/connection_manager.hpp"
#include "vivim/libp2p/host/dial_backoff.hpp"
#include "vivim/libp2p/host/dial_ranker.hpp"
#include "vivim/libp2p/host/gater.hpp"
#include "vivim/libp2p/host/observed_addresses.hpp"
#include "vivim/libp2p/limits/limits.hpp"
#include "vivim/libp2p/peerstore/peer_store.hpp"
#include "vivim/libp2p/transport/muxer.hpp"
#include "vivim/libp2p/transport/resolver.hpp"
#include "vivim/libp2p/transport/security.hpp"
#include "vivim/libp2p/transport/transport.hpp"
#include "vivim/libp2p/yamux/session.hpp"
#include "vivim/multiformats/address_scope.hpp"

namespace vivim::libp2p {

/// Most protocols that a host serves.
inline constexpr std::size_t k_protocols_max = 128;

/// What a host takes on; each has a test (docs/limits.md).
struct HostLimits {
  std::size_t inbound_connections_max = 128;
  std::size_t outbound_connections_max = 128;
  std::size_t connections_per_peer_max = 4;
  std::size_t connections_per_address_max = 32;  ///< inbound (limits::counted_address)
  std::size_t handshakes_max = 32;               ///< inbound ones under way
  std::size_t inbound_streams_max = 256;         ///< per connection
  std::size_t outbound_streams_max = 256;        ///< per connection
  std::uint64_t window_growth_bytes_max = std::uint64_t{32} * 1024 * 1024;  ///< per connection
};

/// How long things may take.
struct HostTimes {
  rt::Duration dial_max = std::chrono::seconds(10);
  rt::Duration handshake_max = std::chrono::seconds(10);
  rt::Duration negotiation_max = std::chrono::seconds(10);
  rt::Duration identify_max = std::chrono::seconds(10);
  rt::Duration ping_max = std::chrono::seconds(10);
  rt::Duration push_delay = std::chrono::seconds(1);  ///< changes within it are pushed together
  rt::Duration keep_alive_interval = std::chrono::seconds(30);
  rt::Duration keep_alive_timeout = std::chrono::seconds(10);
};

/// Only used by the constructor of a host.
struct HostOptions {
  const crypto::KeyPair& key;
  std::string agent = "vivim";
  HostLimits limits = {};
  HostTimes times = {};
  /// Limits of more kinds, in place of `limits`: see limits::scaled_limits(). Those of single
  /// connections follow from them (connection_limits()).
  std::optional<limits::Limits> resources = {};
  /// How to connect; empty: TCP over the host's network. Host::add_transport adds to them.
  std::vector<std::unique_ptr<Transport>> transports = {};
  /// How to secure, most wanted first; empty: Noise. Host::add_security adds to them.
  std::vector<std::unique_ptr<Security>> securities = {};
  /// How to multiplex, most wanted first; empty: yamux within `limits`. Host::add_muxer adds.
  std::vector<std::unique_ptr<Muxer>> muxers = {};
  /// For addresses with names; empty: those cannot be dialled, unless a transport resolves them.
  std::unique_ptr<AddressResolver> resolver = nullptr;
  /// Whom to connect with; empty: everybody.
  std::unique_ptr<ConnectionGater> gater = nullptr;
  /// Absent: follows from the limits (limits::layer_limits).
  std::optional<ConnectionManagerOptions> connection_manager = {};
  /// What is known of other peers, from a snapshot.
  peerstore::PeerStore peer_store = peerstore::PeerStore();
  ObservationOptions observation = {};
  DialDelays dial_delays = {};
  BackoffTimes backoff = {};
};

/// Which port a dial leaves from, where the transport can choose.
enum class PortUse : std::uint8_t {
  /// To public addresses from the port that we listen on: so what the peer sees is where others
  /// reach us, and a router keeps one place for both. To others from any, and so when the peer may
  /// also be reached through a relay: as `fresh`.
  automatic,
  /// From the port that we listen on, to private addresses too.
  shared,
  /// From any other. A router that has let a dial out lets its answer in, to the port that it left
  /// from; when that dial has gone by then, who listens there would answer in its place, with
  /// numbers that the router did not see and does not pass. So a dial that may well find nobody
  /// must not leave from where a hole is to be punched.
  fresh,
};

/// How Host::connect treats the connection that it makes.
struct ConnectOptions {
  /// Which side of the security handshake we take; inbound: a hole punch as the server side.
  /// Absent: the client's, and with `may_meet` the one that multistream's simultaneous open gives
  /// us.
  std::optional<Direction> role = {};
  /// When the peer may take the part that `role` gives to us: how long we wait for its proposal,
  /// and are the server if it comes, before we make ours. Not for transports that secure their own
  /// connections.
  rt::Duration patience{};
  /// Also when a connection with the peer exists.
  bool force_new = false;
  PortUse port = PortUse::automatic;
  /// The peer's own dial is expected to meet ours: it costs a round trip to find the roles.
  bool may_meet = false;
  /// How long the transport may take for an address. Absent: HostTimes::dial_max.
  std::optional<rt::Duration> dial_max = {};
  /// Also addresses that failed lately.
  bool ignore_backoff = false;
  /// Somebody answered at one of the addresses; who it is the handshake will show. Must not await.
  std::function<void()> on_answer = {};
  /// Where names may lead: there and farther. Who told us of a name from far away has no say over
  /// what we dial in our own network.
  multiformats::AddressScope names_reach = multiformats::AddressScope::loopback;
};

/// What Host::open_stream may use.
struct StreamOptions {
  /// Also a limited (relayed) connection, if there is no other.
  bool allow_limited = false;
  /// Takes it that the peer speaks the first protocol, before it has said so: what is written first
  /// leaves together with the proposal, a round trip earlier; if it does not, the first read fails.
  bool assume_spoken = false;
};

/// How Host::handle serves a protocol.
struct HandleOptions {
  /// Also on limited (relayed) connections.
  bool allow_limited = false;
};

/// The limits of one connection that follow from those of its peer and the node.
HostLimits connection_limits(const limits::Limits& resources);

/// What HostLimits mean as limits of scopes: handshakes_max is that of transient connections; what
/// it does not speak of is unlimited.
limits::Limits resource_limits(const HostLimits& limits);

/// The yamux configuration that follows from a host's limits.
yamux::Config yamux_config(const HostLimits& limits, const HostTimes& times);

}  // namespace vivim::libp2p
