#include "vivim/libp2p/dns/error.hpp"

namespace vivim::libp2p::dns {

const ErrorDomain& error_domain(DnsError) {
  static constexpr ErrorDomain k_domain{
      "dns", [](int code) -> ErrorInfo {
        switch (static_cast<DnsError>(code)) {
          case DnsError::no_addresses:
            return {"no_addresses", "the name leads to no address", Blame::transient};
          case DnsError::too_deep:
            return {"too_deep", "too many names that lead to each other", Blame::peer};
          case DnsError::too_many:
            return {"too_many", "too many names behind one address", Blame::peer};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::dns
