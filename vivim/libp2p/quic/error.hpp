#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::quic {

enum class QuicError {
  handshake_failed,      ///< peer: TLS refused; detail: the alert
  no_certificate,        ///< peer: it showed no certificate, or more than one
  wrong_protocol,        ///< peer: it does not speak libp2p over QUIC (ALPN)
  wrong_peer,            ///< peer: another one answered than the one dialled
  handshake_timeout,     ///< peer: the handshake took too long
  protocol,              ///< peer: it broke QUIC, or says that we did; detail: the transport code
  closed_by_peer,        ///< transient: it closed with an application code, the detail
  idle_timeout,          ///< transient: it went silent
  stateless_reset,       ///< transient: it does not know the connection any more
  refused,               ///< transient: it takes no connections now
  no_common_version,     ///< peer: it does not speak QUIC v1
  too_many_connections,  ///< transient: our limit, the detail
  too_many_streams,      ///< transient: more streams than the peer allows now
  not_connected,         ///< local: the handshake has not ended
  stream_closed,         ///< local: this side of the stream was closed here
  stream_reset,          ///< peer: it reset the stream; detail: its code
  closed,                ///< local: the connection was closed here
  unsupported_address,   ///< local: not /ip4|ip6/<ip>/udp/<port>/quic-v1
  identity,              ///< local: the TLS library refused our certificate; detail: its code
  internal,              ///< local: the QUIC library failed; detail: its code
};
const ErrorDomain& error_domain(QuicError);

}  // namespace vivim::libp2p::quic
