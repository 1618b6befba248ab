#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "vivim/base/error.hpp"
#include "vivim/libp2p/transport/close_code.hpp"

namespace vivim::libp2p {

/// Why a connection ended.
enum class CloseCause : std::uint8_t {
  local,     ///< we closed it: the host stopped, or somebody asked for it
  remote,    ///< the peer closed it; `code` says why, if it did
  limit,     ///< we closed it at once: a limit is reached
  protocol,  ///< the peer broke a protocol; `error` says how
  lost,      ///< the transport failed, or the peer went silent; `error` says how
};

/// "protocol", ...
std::string_view to_string(CloseCause cause);

/// A cause, the error behind it if there is one, and what one side tells the other.
struct CloseReason {
  CloseCause cause = CloseCause::local;
  std::optional<Error> error = {};
  /// What the peer told; or what it is told, in place of what follows from the cause.
  CloseCode code = CloseCode::none;

  /// The code that the peer told, or is told.
  CloseCode told() const;

  /// The reason that an error of a connection's layers stands for.
  static CloseReason from(Error error);
  /// "protocol: yamux: ...", "remote (shutdown)", for people and logs.
  std::string to_string() const;
};

}  // namespace vivim::libp2p
