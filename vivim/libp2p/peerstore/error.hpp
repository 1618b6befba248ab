#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::peerstore {

enum class PeerStoreError {
  bad_snapshot,     ///< local: not a snapshot of a peer store, or cut off
  unknown_version,  ///< local: a snapshot of another format; detail: its version
  too_large,        ///< peer: a value above its limit; detail: the limit
  not_newer,  ///< transient: a signed record with this sequence number or a later one is known
};
const ErrorDomain& error_domain(PeerStoreError);

}  // namespace vivim::libp2p::peerstore
