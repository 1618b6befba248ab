#include "vivim/libp2p/host/error.hpp"

namespace vivim::libp2p {

namespace {

ErrorInfo describe(int code) {
  switch (static_cast<HostError>(code)) {
    case HostError::stopping:
      return {"stopping", "this node is stopping", Blame::transient};
    case HostError::self_dial:
      return {"self_dial", "that is this node itself", Blame::local};
    case HostError::no_peer_in_address:
      return {"no_peer_in_address", "the address does not end in /p2p/<peer id>", Blame::local};
    case HostError::unsupported_address:
      return {"unsupported_address", "no transport of this node understands the address",
              Blame::local};
    case HostError::not_connected:
      return {"not_connected", "not connected with that peer", Blame::transient};
    case HostError::too_many_protocols:
      return {"too_many_protocols", "too many protocols", Blame::local};
    case HostError::handshake_timeout:
      return {"handshake_timeout", "the handshake took too long", Blame::peer};
    case HostError::negotiation_timeout:
      return {"negotiation_timeout", "agreeing on a protocol took too long", Blame::peer};
    case HostError::ping_timeout:
      return {"ping_timeout", "no answer to a ping", Blame::transient};
    case HostError::no_common_security:
      return {"no_common_security", "the peer speaks none of our security protocols", Blame::peer};
    case HostError::no_common_muxer:
      return {"no_common_muxer", "the peer speaks none of our multiplexers", Blame::peer};
    case HostError::wrong_peer:
      return {"wrong_peer", "another peer than the one that was dialled", Blame::peer};
    case HostError::backing_off:
      return {"backing_off", "every address of the peer failed lately: too early to try again",
              Blame::transient};
    case HostError::gated:
      return {"gated", "this node does not allow that connection", Blame::local};
    case HostError::trimmed:
      return {"trimmed", "closed to make room: more connections than the high water mark",
              Blame::local};
    case HostError::no_addresses:
      return {"no_addresses", "no address to dial the peer at", Blame::local};
    case HostError::closed_during_negotiation:
      return {"closed_during_negotiation", "the peer closed before a protocol was agreed on",
              Blame::peer};
  }
  return {"unknown", "unknown error", Blame::local};
}

}  // namespace

const ErrorDomain& error_domain(HostError) {
  static constexpr ErrorDomain k_domain{"host", describe};
  return k_domain;
}

}  // namespace vivim::libp2p
