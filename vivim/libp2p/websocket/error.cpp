#include "vivim/libp2p/websocket/error.hpp"

namespace vivim::libp2p::websocket {

const ErrorDomain& error_domain(WsError) {
  static constexpr ErrorDomain k_domain{
      "ws transport", [](int code) -> ErrorInfo {
        switch (static_cast<WsError>(code)) {
          case WsError::unsupported_address:
            return {"unsupported_address",
                    "not a WebSocket address with an IP address and TCP port", Blame::local};
          case WsError::no_tls:
            return {"no_tls", "secure WebSocket is not configured on this node", Blame::local};
          case WsError::closed_in_handshake:
            return {"closed_in_handshake", "the connection ended in the WebSocket handshake",
                    Blame::peer};
          case WsError::text_message:
            return {"text_message", "a text message where only binary ones make sense",
                    Blame::peer};
          case WsError::too_many_upgrades:
            return {"too_many_upgrades", "too many WebSocket handshakes are under way",
                    Blame::transient};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::websocket
