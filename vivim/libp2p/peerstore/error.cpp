#include "vivim/libp2p/peerstore/error.hpp"

namespace vivim::libp2p::peerstore {

namespace {

ErrorInfo describe(int code) {
  switch (static_cast<PeerStoreError>(code)) {
    case PeerStoreError::bad_snapshot:
      return {"bad_snapshot", "the stored list of peers is damaged", Blame::local};
    case PeerStoreError::unknown_version:
      return {"unknown_version", "the stored list of peers has another format", Blame::local};
    case PeerStoreError::too_large:
      return {"too_large", "too much to remember of one peer", Blame::peer};
    case PeerStoreError::not_newer:
      return {"not_newer", "a newer signed record of the peer is known", Blame::transient};
  }
  return {"unknown", "unknown error", Blame::local};
}

}  // namespace

const ErrorDomain& error_domain(PeerStoreError) {
  static constexpr ErrorDomain k_domain{"peerstore", describe};
  return k_domain;
}

}  // namespace vivim::libp2p::peerstore
