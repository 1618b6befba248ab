#pragma once

#include "vivim/base/result.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/rt/endpoint.hpp"

namespace vivim::libp2p::quic {

/// The socket address of /ip4|ip6/<ip>/udp/<port>/quic-v1, also when /p2p/<id> follows. Error:
/// unsupported_address for everything else.
Result<rt::Endpoint> to_endpoint(const multiformats::Multiaddr& address);

/// /ip4|ip6/<ip>/udp/<port>/quic-v1.
multiformats::Multiaddr to_multiaddr(const rt::Endpoint& endpoint);

}  // namespace vivim::libp2p::quic
