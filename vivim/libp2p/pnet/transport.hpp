#pragma once

#include <memory>

#include "vivim/crypto/random.hpp"
#include "vivim/libp2p/pnet/key.hpp"
#include "vivim/libp2p/transport/transport.hpp"

namespace vivim::libp2p::pnet {

/// `inner` within a private network: all its connections are PrivateStreams. A host that is to be
/// in a private network and nowhere else has every transport wrapped so. Connections that a
/// transport secures itself (QUIC, WebRTC) have no place for the key: not_private.
std::unique_ptr<Transport> make_private(std::unique_ptr<Transport> inner, PreSharedKey key,
                                        crypto::RandomSource random);

}  // namespace vivim::libp2p::pnet
