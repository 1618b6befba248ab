#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::bootstrap {

enum class BootstrapError {
  no_peer,             ///< local: an address that does not end in /p2p/<peer id>
  too_many_peers,      ///< local: more peers than k_peers_max; detail: the limit
  too_many_addresses,  ///< local: more addresses of one peer than k_addresses_max; detail: the
                       ///< limit
};
const ErrorDomain& error_domain(BootstrapError);

}  // namespace vivim::libp2p::bootstrap
