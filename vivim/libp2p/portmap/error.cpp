#include "vivim/libp2p/portmap/error.hpp"

namespace vivim::libp2p::portmap {

const ErrorDomain& error_domain(PortmapError) {
  static constexpr ErrorDomain k_domain{
      "portmap", [](int code) -> ErrorInfo {
        switch (static_cast<PortmapError>(code)) {
          case PortmapError::no_gateway:
            return {"no_gateway", "no router that maps ports answered", Blame::transient};
          case PortmapError::refused:
            return {"refused", "the router refuses to map the port (code)", Blame::peer};
          case PortmapError::bad_answer:
            return {"bad_answer", "the router's answer makes no sense", Blame::peer};
          case PortmapError::not_public:
            return {"not_public", "the router has no public address itself", Blame::peer};
          case PortmapError::too_many_ports:
            return {"too_many_ports", "too many ports to map", Blame::local};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::portmap
