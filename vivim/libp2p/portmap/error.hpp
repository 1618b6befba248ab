#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::portmap {

enum class PortmapError {
  no_gateway,      ///< transient: no router that speaks the protocol answered
  refused,         ///< peer: the router said no; detail: its code
  bad_answer,      ///< peer: the router's answer makes no sense
  not_public,      ///< peer: the router has no public address itself (it is behind another one)
  too_many_ports,  ///< local: more ports than k_ports_max; detail: the limit
};
const ErrorDomain& error_domain(PortmapError);

}  // namespace vivim::libp2p::portmap
