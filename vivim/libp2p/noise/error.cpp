#include "vivim/libp2p/noise/error.hpp"

namespace vivim::libp2p::noise {

const ErrorDomain& error_domain(NoiseError) {
  static constexpr ErrorDomain k_domain{
      "noise", [](int code) -> ErrorInfo {
        switch (static_cast<NoiseError>(code)) {
          case NoiseError::message_too_short:
            return {"message_too_short", "a handshake message is too short"};
          case NoiseError::message_too_long:
            return {"message_too_long", "a handshake message is larger than the limit"};
          case NoiseError::unexpected_payload:
            return {"unexpected_payload", "the first handshake message carries a payload"};
          case NoiseError::bad_payload:
            return {"bad_payload", "the handshake payload cannot be read"};
          case NoiseError::bad_identity_signature:
            return {"bad_identity_signature", "the peer's identity key did not sign its Noise key"};
          case NoiseError::wrong_peer:
            return {"wrong_peer", "another peer than the expected one answered"};
          case NoiseError::frame_too_short:
            return {"frame_too_short", "a frame is shorter than its tag"};
          case NoiseError::cannot_decrypt:
            return {"cannot_decrypt", "a message does not authenticate"};
          case NoiseError::nonces_exhausted:
            return {"nonces_exhausted", "too many frames on one connection", Blame::local};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::noise
