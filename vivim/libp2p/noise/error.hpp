#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::noise {

enum class NoiseError {
  message_too_short,  ///< peer: a handshake message ends inside a key or tag; detail: its size
  message_too_long,   ///< peer: a handshake message is larger than k_handshake_message_max; detail:
                      ///< its size
  unexpected_payload,  ///< peer: the first handshake message carries a payload; detail: its size
  bad_payload,         ///< peer: the handshake payload is not what specs/noise says
  bad_identity_signature,  ///< peer: the identity key did not sign the Noise key
  wrong_peer,              ///< peer: somebody else than the expected peer answered
  frame_too_short,         ///< peer: a frame is shorter than its tag; detail: its size
  cannot_decrypt,          ///< peer: a message or frame does not authenticate; detail: its number
  nonces_exhausted,        ///< local: 2^64 - 1 frames went one way; the connection must be closed
};
const ErrorDomain& error_domain(NoiseError);

}  // namespace vivim::libp2p::noise
