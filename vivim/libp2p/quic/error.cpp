#include "vivim/libp2p/quic/error.hpp"

namespace vivim::libp2p::quic {

namespace {

ErrorInfo describe(int code) {
  switch (static_cast<QuicError>(code)) {
    case QuicError::handshake_failed:
      return {"handshake_failed", "the TLS handshake failed", Blame::peer};
    case QuicError::no_certificate:
      return {"no_certificate", "the peer showed no certificate, or several", Blame::peer};
    case QuicError::wrong_protocol:
      return {"wrong_protocol", "the peer does not speak libp2p over QUIC", Blame::peer};
    case QuicError::wrong_peer:
      return {"wrong_peer", "another peer answered than the one dialled", Blame::peer};
    case QuicError::handshake_timeout:
      return {"handshake_timeout", "the handshake took too long", Blame::peer};
    case QuicError::protocol:
      return {"protocol", "QUIC was broken", Blame::peer};
    case QuicError::closed_by_peer:
      return {"closed_by_peer", "the peer closed the connection", Blame::transient};
    case QuicError::idle_timeout:
      return {"idle_timeout", "the peer went silent", Blame::transient};
    case QuicError::stateless_reset:
      return {"stateless_reset", "the peer forgot the connection", Blame::transient};
    case QuicError::refused:
      return {"refused", "the peer takes no connections now", Blame::transient};
    case QuicError::no_common_version:
      return {"no_common_version", "the peer does not speak QUIC v1", Blame::peer};
    case QuicError::too_many_connections:
      return {"too_many_connections", "too many QUIC connections", Blame::transient};
    case QuicError::too_many_streams:
      return {"too_many_streams", "more streams than the peer allows now", Blame::transient};
    case QuicError::not_connected:
      return {"not_connected", "the handshake has not ended", Blame::local};
    case QuicError::stream_closed:
      return {"stream_closed", "the stream was closed here", Blame::local};
    case QuicError::stream_reset:
      return {"stream_reset", "the peer reset the stream", Blame::peer};
    case QuicError::closed:
      return {"closed", "the connection was closed here", Blame::local};
    case QuicError::unsupported_address:
      return {"unsupported_address", "only /ip4 and /ip6 with /udp and /quic-v1 can be used",
              Blame::local};
    case QuicError::identity:
      return {"identity", "the TLS library refused our certificate", Blame::local};
    case QuicError::internal:
      return {"internal", "the QUIC library failed", Blame::local};
  }
  return {"unknown", "unknown error", Blame::local};
}

}  // namespace

const ErrorDomain& error_domain(QuicError) {
  static constexpr ErrorDomain k_domain{"quic", describe};
  return k_domain;
}

}  // namespace vivim::libp2p::quic
