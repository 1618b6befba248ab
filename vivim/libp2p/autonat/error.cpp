#include "vivim/libp2p/autonat/error.hpp"

namespace vivim::libp2p::autonat {

const ErrorDomain& error_domain(AutonatError) {
  static constexpr ErrorDomain k_domain{
      "autonat", [](int code) -> ErrorInfo {
        switch (static_cast<AutonatError>(code)) {
          case AutonatError::malformed:
            return {"malformed", "an AutoNAT message cannot be read", Blame::peer};
          case AutonatError::unexpected:
            return {"unexpected", "an AutoNAT message out of turn", Blame::peer};
          case AutonatError::too_much_data:
            return {"too_much_data", "the server asks for too much data", Blame::peer};
          case AutonatError::too_little_data:
            return {"too_little_data", "dial data in too small pieces", Blame::peer};
          case AutonatError::rejected:
            return {"rejected", "the server rejected the request", Blame::transient};
          case AutonatError::refused:
            return {"refused", "the server dials none of the addresses", Blame::transient};
          case AutonatError::server_failed:
            return {"server_failed", "the server failed", Blame::transient};
          case AutonatError::not_confirmed:
            return {"not_confirmed", "a dial back that was claimed did not come", Blame::peer};
          case AutonatError::no_addresses:
            return {"no_addresses", "no address to ask about", Blame::local};
          case AutonatError::timed_out:
            return {"timed_out", "no answer in time", Blame::peer};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::autonat
