#include "vivim/libp2p/multistream/error.hpp"

namespace vivim::libp2p::multistream {

const ErrorDomain& error_domain(MultistreamError) {
  static constexpr ErrorDomain k_domain{
      "multistream", [](int code) -> ErrorInfo {
        switch (static_cast<MultistreamError>(code)) {
          case MultistreamError::malformed_length:
            return {"malformed_length", "a message's length prefix is malformed", Blame::peer};
          case MultistreamError::message_too_large:
            return {"message_too_large", "a message is larger than 1024 bytes", Blame::peer};
          case MultistreamError::missing_newline:
            return {"missing_newline", "a message does not end with a newline", Blame::peer};
          case MultistreamError::not_multistream:
            return {"not_multistream", "the other side does not speak multistream-select 1.0.0",
                    Blame::peer};
          case MultistreamError::unexpected_reply:
            return {"unexpected_reply", "the answer fits no protocol that was proposed",
                    Blame::peer};
          case MultistreamError::none_supported:
            return {"none_supported", "the other side supports none of the protocols proposed",
                    Blame::peer};
          case MultistreamError::too_many_rounds:
            return {"too_many_rounds", "too many proposals without an agreement", Blame::peer};
          case MultistreamError::malformed_number:
            return {"malformed_number", "no number to choose the initiator by", Blame::peer};
          case MultistreamError::same_number:
            return {"same_number", "both ends drew the same number", Blame::transient};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::multistream
