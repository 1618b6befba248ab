#include "vivim/libp2p/mdns/error.hpp"

namespace vivim::libp2p::mdns {

const ErrorDomain& error_domain(MdnsError) {
  static constexpr ErrorDomain k_domain{
      "mdns", [](int code) -> ErrorInfo {
        switch (static_cast<MdnsError>(code)) {
          case MdnsError::truncated:
            return {"truncated", "the DNS message ends too early", Blame::peer};
          case MdnsError::bad_name:
            return {"bad_name", "a malformed name in a DNS message", Blame::peer};
          case MdnsError::too_many:
            return {"too_many", "too many records in a DNS message", Blame::peer};
          case MdnsError::too_large:
            return {"too_large", "the DNS message is larger than allowed", Blame::peer};
          case MdnsError::no_interface:
            return {"no_interface", "no network interface takes multicast", Blame::local};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::mdns
