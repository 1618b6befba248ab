#include "vivim/libp2p/identify/error.hpp"

namespace vivim::libp2p::identify {

const ErrorDomain& error_domain(IdentifyError) {
  static constexpr ErrorDomain k_domain{
      "identify", [](int code) -> ErrorInfo {
        switch (static_cast<IdentifyError>(code)) {
          case IdentifyError::message_too_large:
            return {"message_too_large", "an identify message is too large", Blame::peer};
          case IdentifyError::malformed_length:
            return {"malformed_length", "an identify message has a malformed length", Blame::peer};
          case IdentifyError::malformed_message:
            return {"malformed_message", "an identify message cannot be read", Blame::peer};
          case IdentifyError::truncated:
            return {"truncated", "the stream ended before an identify message", Blame::peer};
          case IdentifyError::key_mismatch:
            return {"key_mismatch", "the identified key is another peer's", Blame::peer};
          case IdentifyError::does_not_fit:
            return {"does_not_fit", "too much to tell in identify messages", Blame::local};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::identify
