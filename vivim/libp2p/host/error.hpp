#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p {

enum class HostError {
  stopping,             ///< transient: the host is stopping or has stopped
  self_dial,            ///< local: the address is our own, or the peer turned out to be us
  no_peer_in_address,   ///< local: the address does not end in /p2p/<peer id>
  unsupported_address,  ///< local: no transport of this node understands the address
  not_connected,        ///< transient: no connection with that peer
  too_many_protocols,   ///< local: handlers for more protocols than k_protocols_max
  handshake_timeout,    ///< peer: the connection was not secured within the deadline
  negotiation_timeout,  ///< peer: no protocol was agreed on within the deadline
  ping_timeout,         ///< transient: no answer to a ping within the deadline
  no_common_security,   ///< peer: it speaks none of our security protocols
  no_common_muxer,      ///< peer: it speaks none of our multiplexers
  wrong_peer,           ///< peer: another one than the one that was dialled
  backing_off,   ///< transient: every address failed lately; detail: seconds until the next try
  gated,         ///< local: the connection gater does not allow it
  trimmed,       ///< local: closed to make room: above the high water mark
  no_addresses,  ///< local: no address to dial the peer at
  closed_during_negotiation,  ///< peer: the connection or stream ended before a protocol was agreed
};
const ErrorDomain& error_domain(HostError);

}  // namespace vivim::libp2p
