#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "vivim/libp2p/limits/limits.hpp"

namespace vivim::libp2p::limits {

/// What follows from the limits of a node for layers that keep limits of their own, so that they
/// refuse early, at what the node would refuse too. The values here hold where nothing is limited.
struct LayerLimits {
  /// Above so many connections some are closed, until as many as low_water are left.
  std::size_t high_water = 192;
  std::size_t low_water = 128;
  /// Inbound handshakes under way at a listener that finishes them by itself: QUIC, WebSocket.
  std::size_t handshakes = 256;
  /// QUIC connections of one port, those that end included.
  std::size_t quic_connections = 1024;
  /// Streams of one connection, opened by the peer and by us.
  std::size_t streams_inbound = 256;
  std::size_t streams_outbound = 256;
  /// What the receive windows of one connection may grow to, and what waits to be sent: half of
  /// what its peer may hold.
  std::uint64_t connection_window_bytes = std::uint64_t{32} * 1024 * 1024;
  /// The same of all connections of one muxer: half of what the node may hold.
  std::uint64_t windows_bytes = std::uint64_t{256} * 1024 * 1024;

  friend bool operator==(const LayerLimits&, const LayerLimits&) = default;
};

LayerLimits layer_limits(const Limits& limits);

/// One of them in words, and the key of the configuration that it follows from.
struct LayerLimit {
  std::string_view what;
  std::uint64_t limit = 0;
  std::string_view follows_from;
};
std::vector<LayerLimit> list_layer_limits(const Limits& limits);

}  // namespace vivim::libp2p::limits
