#pragma once

#include <cstdint>
#include <string_view>

namespace vivim::libp2p {

/// Why a connection ends, as libp2p implementations tell each other: the application's code in
/// QUIC's CONNECTION_CLOSE, the code of a go-away in yamux. Codes below 0x1000 are the transport's
/// own.
enum class CloseCode : std::uint32_t {
  none = 0,
  negotiation_failed = 0x1000,  ///< no protocol was agreed on
  limit_exceeded = 0x1001,      ///< a resource limit
  rate_limited = 0x1002,
  protocol_violation = 0x1003,
  supplanted = 0x1004,         ///< replaced by another connection
  garbage_collected = 0x1005,  ///< of little use, and closed to make room
  shutdown = 0x1006,           ///< the node stops
  gated = 0x1007,              ///< not allowed
};

constexpr std::uint32_t to_value(CloseCode code) {
  return static_cast<std::uint32_t>(code);
}

/// "limit_exceeded", ...; "none" for 0, "other" for what is not in the list.
std::string_view close_code_name(CloseCode code);

}  // namespace vivim::libp2p
