#pragma once

#include "vivim/base/result.hpp"
#include "vivim/libp2p/host/error.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/rt/network.hpp"

namespace vivim::libp2p {

/// The socket address of /ip4|ip6/<ip>/tcp/<port>, also when /p2p/<id> follows. Error:
/// unsupported_address for everything else, names included.
Result<rt::Endpoint> to_endpoint(const multiformats::Multiaddr& address);

/// /ip4|ip6/<ip>/tcp/<port>.
multiformats::Multiaddr to_multiaddr(const rt::Endpoint& endpoint);

/// `address`, or where its IP address is the unspecified one, the same for each interface of this
/// machine of that family.
std::vector<multiformats::Multiaddr> expand_unspecified(const multiformats::Multiaddr& address,
                                                        rt::Network& network);

}  // namespace vivim::libp2p
