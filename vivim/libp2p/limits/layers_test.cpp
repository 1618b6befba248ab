#include "vivim/libp2p/limits/layers.hpp"

#include <doctest/doctest.h>

using namespace vivim::libp2p::limits;

TEST_CASE("layer limits: without limits, and as the machine scales them") {
  CHECK(layer_limits({}) == LayerLimits());
  const Limits scaled =
      scaled_limits({.memory_bytes = std::uint64_t{8} << 30, .file_descriptors = 1 << 20});
  const LayerLimits layers = layer_limits(scaled);
  CHECK(scaled.system.connections == 1152);
  CHECK(layers.high_water == 864);
  CHECK(layers.low_water == 576);
  CHECK(layers.quic_connections == 1152 + 288 + 16);
  CHECK(layers.handshakes == 288);
  CHECK(layers.streams_inbound == 256);
  CHECK(layers.streams_outbound == 256);
  CHECK(layers.connection_window_bytes == std::uint64_t{32} << 20);
  CHECK(layers.windows_bytes == std::uint64_t{512} << 20);
}

TEST_CASE("layer limits: what a person sets reaches them") {
  Limits limits;
  limits.system.connections_inbound = 128;
  limits.system.connections_outbound = 128;
  CHECK(layer_limits(limits).high_water == 192);
  CHECK(layer_limits(limits).low_water == 128);
  limits.system.connections = 2;
  CHECK(layer_limits(limits).high_water == 2);
  CHECK(layer_limits(limits).low_water == 1);
  limits.transient.connections_inbound = 0;
  CHECK(layer_limits(limits).handshakes == 1);
  limits.peer.streams_inbound = 10;
  CHECK(layer_limits(limits).streams_inbound == 10);
  limits.peer.streams_inbound = 2000;
  CHECK(layer_limits(limits).streams_inbound == 1000);
  limits.peer.streams = 300;
  CHECK(layer_limits(limits).streams_inbound == 256);
  limits.system.memory_bytes = 4 << 20;
  CHECK(layer_limits(limits).windows_bytes == 2 << 20);
  CHECK(layer_limits(limits).connection_window_bytes == 2 << 20);
  limits.peer.memory_bytes = 1000;
  CHECK(layer_limits(limits).connection_window_bytes == 64 << 10);
}

TEST_CASE("layer limits: each is listed with a key that there is") {
  Limits limits;
  for (const auto& row : list_layer_limits(limits)) {
    const auto key = row.follows_from.substr(std::string_view("limits.").size());
    const auto dot = key.find('.');
    CHECK_MESSAGE(find_limit(limits, key.substr(0, dot), key.substr(dot + 1)) != nullptr, key);
    CHECK(row.limit > 0);
  }
}
