#include "vivim/libp2p/dcutr/error.hpp"

namespace vivim::libp2p::dcutr {

const ErrorDomain& error_domain(DcutrError) {
  static constexpr ErrorDomain k_domain{
      "dcutr", [](int code) -> ErrorInfo {
        switch (static_cast<DcutrError>(code)) {
          case DcutrError::malformed:
            return {"malformed", "a hole punch message cannot be read", Blame::peer};
          case DcutrError::unexpected:
            return {"unexpected", "a hole punch message out of turn", Blame::peer};
          case DcutrError::no_own_addresses:
            return {"no_own_addresses", "no address of ours to punch to", Blame::local};
          case DcutrError::no_addresses:
            return {"no_addresses", "the peer offers no address to punch to", Blame::peer};
          case DcutrError::not_relayed:
            return {"not_relayed", "a hole punch without a relayed connection", Blame::peer};
          case DcutrError::too_many:
            return {"too_many", "too many hole punches at once", Blame::transient};
          case DcutrError::timed_out:
            return {"timed_out", "no answer to a hole punch in time", Blame::peer};
          case DcutrError::failed:
            return {"failed", "no hole punch succeeded", Blame::transient};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::dcutr
