#pragma once

#include "vivim/base/result.hpp"

namespace vivim::websocket {

enum class WebSocketError {
  bad_frame,  ///< peer: reserved bits, unknown opcode, wrong masking, bad control frame; closed
              ///< with 1002
  bad_text,   ///< peer: a text message or close reason that is not UTF-8; closed with 1007
  message_too_large,  ///< peer: a message above the limit; closed with 1009. detail: the limit
  head_too_large,     ///< peer: the head of a handshake is larger than the limit. detail: the limit
  bad_head,           ///< peer: the head of a handshake is not HTTP/1.1
  not_an_upgrade,     ///< peer: an HTTP request that does not ask for version 13 of the protocol
  refused,            ///< peer: the server did not switch protocols. detail: the HTTP status
  bad_answer,         ///< peer: it switched protocols, but not as RFC 6455 section 4.1 demands
};
const ErrorDomain& error_domain(WebSocketError);

}  // namespace vivim::websocket
