#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::websocket {

enum class WsError {
  unsupported_address,  ///< local: not /ip4|ip6/<ip>/tcp/<port> with /ws, /wss or /tls/ws
  no_tls,  ///< local: a secure address, but no certificate or TLS client was configured
  closed_in_handshake,  ///< peer: the connection ended before it was a WebSocket
  text_message,         ///< peer: text, where only binary messages make sense
  too_many_upgrades,    ///< transient: too many inbound handshakes are under way; detail: the limit
};
const ErrorDomain& error_domain(WsError);

}  // namespace vivim::libp2p::websocket
