#pragma once

#include <cstdint>
#include <string_view>

namespace vivim::libp2p::kad {

/// VIVIM's own DHT, and the one that all of IPFS shares.
inline constexpr std::string_view k_protocol_id = "/vivim/kad/1.0.0";
inline constexpr std::string_view k_ipfs_protocol_id = "/ipfs/kad/1.0.0";

/// Whether we answer others.
enum class Mode : std::uint8_t {
  client,     ///< only ask
  server,     ///< ask and answer: we can be reached, and stay
  automatic,  ///< client until set_reachable(true)
};

}  // namespace vivim::libp2p::kad
