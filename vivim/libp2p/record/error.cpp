#include "vivim/libp2p/record/error.hpp"

namespace vivim::libp2p::record {

const ErrorDomain& error_domain(RecordError) {
  static constexpr ErrorDomain k_domain{
      "record", [](int code) -> ErrorInfo {
        switch (static_cast<RecordError>(code)) {
          case RecordError::too_large:
            return {"too_large", "a signed envelope is too large", Blame::peer};
          case RecordError::malformed:
            return {"malformed", "a signed envelope or record cannot be read", Blame::peer};
          case RecordError::wrong_payload_type:
            return {"wrong_payload_type", "a signed envelope of something else", Blame::peer};
          case RecordError::bad_signature:
            return {"bad_signature", "the signature of an envelope does not hold", Blame::peer};
          case RecordError::wrong_signer:
            return {"wrong_signer", "a peer record signed by another peer", Blame::peer};
          case RecordError::wrong_peer:
            return {"wrong_peer", "a peer record of another peer", Blame::peer};
          case RecordError::too_many_addresses:
            return {"too_many_addresses", "a peer record with too many addresses", Blame::peer};
          case RecordError::not_newer:
            return {"not_newer", "a peer record that is not newer", Blame::transient};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::record
