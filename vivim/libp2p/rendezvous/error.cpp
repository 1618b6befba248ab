#include "vivim/libp2p/rendezvous/error.hpp"

namespace vivim::libp2p::rendezvous {

const ErrorDomain& error_domain(RendezvousError) {
  static constexpr ErrorDomain k_domain{
      "rendezvous", [](int code) -> ErrorInfo {
        switch (static_cast<RendezvousError>(code)) {
          case RendezvousError::malformed:
            return {"malformed", "not a rendezvous message", Blame::peer};
          case RendezvousError::unexpected:
            return {"unexpected", "an answer to something else", Blame::peer};
          case RendezvousError::refused:
            return {"refused", "the rendezvous point refused (status)", Blame::peer};
          case RendezvousError::invalid_namespace:
            return {"invalid_namespace", "the namespace is empty or too long", Blame::local};
          case RendezvousError::too_slow:
            return {"too_slow", "the rendezvous point did not answer in time", Blame::transient};
          case RendezvousError::too_many_messages:
            return {"too_many_messages", "too many messages on one stream", Blame::peer};
          case RendezvousError::no_peer:
            return {"no_peer", "the address names no peer", Blame::local};
          case RendezvousError::too_many_points:
            return {"too_many_points", "too many rendezvous points", Blame::local};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::rendezvous
