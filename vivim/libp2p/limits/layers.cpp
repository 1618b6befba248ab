#include "vivim/libp2p/limits/layers.hpp"

#include <algorithm>

namespace vivim::libp2p::limits {

namespace {

constexpr std::uint64_t k_handshakes_max = 1024;
// A window smaller than this carries nothing well.
constexpr std::uint64_t k_window_bytes_min = std::uint64_t{64} * 1024;

/// What both sides together may have, whichever limit says it.
std::uint64_t connections_of(const ScopeLimits& scope) {
  const std::uint64_t inbound = scope.connections_inbound;
  const std::uint64_t outbound = scope.connections_outbound;
  const std::uint64_t sum = inbound > k_unlimited - outbound ? k_unlimited : inbound + outbound;
  return std::min(scope.connections, sum);
}

/// Of one connection, when its peer may have so many: all of few, half of many.
std::size_t streams_of_connection(std::uint64_t peer_limit, std::size_t enough) {
  if (peer_limit == k_unlimited) {
    return enough;
  }
  return std::max(std::min<std::uint64_t>(peer_limit, enough), peer_limit / 2);
}

}  // namespace

LayerLimits layer_limits(const Limits& limits) {
  LayerLimits layers;
  if (const auto connections = connections_of(limits.system); connections != k_unlimited) {
    layers.high_water = std::max<std::uint64_t>(1, connections - connections / 4);
    layers.low_water = std::max<std::uint64_t>(1, connections / 2);
    layers.quic_connections = connections + connections / 4 + 16;
  }
  const std::uint64_t transient =
      std::min(limits.transient.connections_inbound, limits.transient.connections);
  if (transient != k_unlimited) {
    layers.handshakes = std::clamp<std::uint64_t>(transient, 1, k_handshakes_max);
  }
  const ScopeLimits& peer = limits.peer;
  layers.streams_inbound =
      streams_of_connection(std::min(peer.streams_inbound, peer.streams), layers.streams_inbound);
  layers.streams_outbound =
      streams_of_connection(std::min(peer.streams_outbound, peer.streams), layers.streams_outbound);
  if (const auto held = std::min(peer.memory_bytes, limits.system.memory_bytes);
      held != k_unlimited) {
    layers.connection_window_bytes =
        std::clamp(held / 2, k_window_bytes_min, layers.connection_window_bytes);
  }
  if (limits.system.memory_bytes != k_unlimited) {
    layers.windows_bytes = limits.system.memory_bytes / 2;
  }
  return layers;
}

std::vector<LayerLimit> list_layer_limits(const Limits& limits) {
  const LayerLimits layers = layer_limits(limits);
  return {{.what = "connections, above which some are closed",
           .limit = layers.high_water,
           .follows_from = "limits.system.connections"},
          {.what = "connections that are left then",
           .limit = layers.low_water,
           .follows_from = "limits.system.connections"},
          {.what = "QUIC connections of a port",
           .limit = layers.quic_connections,
           .follows_from = "limits.system.connections"},
          {.what = "QUIC and WebSocket handshakes of a listener",
           .limit = layers.handshakes,
           .follows_from = "limits.transient.connections_inbound"},
          {.what = "streams of a connection, inbound",
           .limit = layers.streams_inbound,
           .follows_from = "limits.peer.streams_inbound"},
          {.what = "streams of a connection, outbound",
           .limit = layers.streams_outbound,
           .follows_from = "limits.peer.streams_outbound"},
          {.what = "receive windows of a connection, bytes",
           .limit = layers.connection_window_bytes,
           .follows_from = "limits.peer.memory_bytes"},
          {.what = "receive windows of all connections, bytes",
           .limit = layers.windows_bytes,
           .follows_from = "limits.system.memory_bytes"}};
}

}  // namespace vivim::libp2p::limits
