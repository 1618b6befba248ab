#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "vivim/base/error.hpp"

namespace vivim::libp2p {

/// Why a connection ended.
enum class CloseCause : std::uint8_t {
  local,     ///< we closed it: the host stopped, or somebody asked for it
  remote,    ///< the peer closed it in order
  limit,     ///< we closed it at once: a limit is reached
  protocol,  ///< the peer broke a protocol; `error` says how
  lost,      ///< the transport failed, or the peer went silent; `error` says how
};

/// "protocol", ...
std::string_view to_string(CloseCause cause);

/// A cause, and the error behind it if there is one.
struct CloseReason {
  CloseCause cause = CloseCause::local;
  std::optional<Error> error;

  /// The reason that an error of a connection's layers stands for.
  static CloseReason from(Error error);
  /// "protocol: yamux: ...", for people and logs.
  std::string to_string() const;
};

}  // namespace vivim::libp2p
