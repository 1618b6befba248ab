#include "vivim/libp2p/bootstrap/error.hpp"

namespace vivim::libp2p::bootstrap {

const ErrorDomain& error_domain(BootstrapError) {
  static constexpr ErrorDomain k_domain{
      "bootstrap", [](int code) -> ErrorInfo {
        switch (static_cast<BootstrapError>(code)) {
          case BootstrapError::no_peer:
            return {"no_peer", "the address does not end in /p2p/<peer id>", Blame::local};
          case BootstrapError::too_many_peers:
            return {"too_many_peers", "too many bootstrap peers", Blame::local};
          case BootstrapError::too_many_addresses:
            return {"too_many_addresses", "too many addresses of one bootstrap peer", Blame::local};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::bootstrap
