#include "vivim/websocket/error.hpp"

namespace vivim::websocket {

const ErrorDomain& error_domain(WebSocketError) {
  static constexpr ErrorDomain k_domain{
      "websocket", [](int code) -> ErrorInfo {
        switch (static_cast<WebSocketError>(code)) {
          case WebSocketError::bad_frame:
            return {"bad_frame", "malformed WebSocket frame", Blame::peer};
          case WebSocketError::bad_text:
            return {"bad_text", "WebSocket text is not UTF-8", Blame::peer};
          case WebSocketError::message_too_large:
            return {"message_too_large", "WebSocket message is larger than the limit", Blame::peer};
          case WebSocketError::head_too_large:
            return {"head_too_large", "HTTP head is larger than the limit", Blame::peer};
          case WebSocketError::bad_head:
            return {"bad_head", "not an HTTP/1.1 head", Blame::peer};
          case WebSocketError::not_an_upgrade:
            return {"not_an_upgrade", "an HTTP request, but none for a WebSocket", Blame::peer};
          case WebSocketError::refused:
            return {"refused", "the server refuses WebSocket (HTTP status)", Blame::peer};
          case WebSocketError::bad_answer:
            return {"bad_answer", "the server's WebSocket handshake is wrong", Blame::peer};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::websocket
