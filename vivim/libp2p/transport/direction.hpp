#pragma once

#include <cstdint>

namespace vivim::libp2p {

/// Which end of a connection this is: who asked for it.
enum class Direction : std::uint8_t { inbound, outbound };

/// "inbound" or "outbound".
constexpr const char* to_string(Direction direction) {
  return direction == Direction::inbound ? "inbound" : "outbound";
}

}  // namespace vivim::libp2p
