#pragma once

#include <cstdint>
#include <string_view>

#include "vivim/base/error.hpp"

namespace vivim::libp2p {

/// Why a stream is reset, for rt::Stream::reset() and the detail of RtError::reset, where the muxer
/// carries a reason: the codes that libp2p implementations share. Applications use others, below
/// 0x1000.
enum class ResetCode : std::uint32_t {
  none = 0,
  negotiation_failed = 0x1001,  ///< no protocol was agreed on
  limit_exceeded = 0x1002,      ///< a resource limit
  rate_limited = 0x1003,
  protocol_violation = 0x1004,
  supplanted = 0x1005,         ///< replaced by another stream
  garbage_collected = 0x1006,  ///< idle, and closed to make room
  shutdown = 0x1007,           ///< the node stops
  gated = 0x1008,              ///< not allowed
};

constexpr std::uint32_t to_value(ResetCode code) {
  return static_cast<std::uint32_t>(code);
}

/// The code for a stream whose conversation failed: whether the peer is to blame.
ResetCode reset_code_for(const Error& error);

/// "limit_exceeded", ...; "none" for 0, "other" for what an application made up.
std::string_view reset_code_name(std::uint32_t code);

}  // namespace vivim::libp2p
