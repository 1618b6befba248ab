#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vivim::libp2p::gossipsub {

/// A peer of a router, from add_peer() to remove_peer(). Then the number may be another's.
enum class PeerIndex : std::uint32_t {};

/// What a peer speaks. Later versions add to earlier ones.
enum class Protocol : std::uint8_t {
  floodsub,  ///< takes every message of the topics that it subscribed to, knows no control
  v1_0,      ///< mesh and gossip
  v1_1,      ///< backoff and peers in PRUNE
  v1_2,      ///< IDONTWANT
  v1_3,      ///< extensions
};

/// The protocols' ids, the best first, as they are proposed.
inline constexpr std::array<std::string_view, 5> k_protocol_ids{
    "/meshsub/1.3.0", "/meshsub/1.2.0", "/meshsub/1.1.0", "/meshsub/1.0.0", "/floodsub/1.0.0"};

constexpr std::optional<Protocol> parse_protocol(std::string_view id) {
  for (std::size_t i = 0; i < k_protocol_ids.size(); ++i) {
    if (k_protocol_ids[i] == id) {
      return static_cast<Protocol>(k_protocol_ids.size() - 1 - i);
    }
  }
  return std::nullopt;
}

}  // namespace vivim::libp2p::gossipsub
