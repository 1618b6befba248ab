#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::rendezvous {

enum class RendezvousError {
  malformed,          ///< peer: not a message of the protocol
  unexpected,         ///< peer: another message than the one that answers
  refused,            ///< peer: the rendezvous point says no; detail: its status
  invalid_namespace,  ///< local: empty, or longer than k_namespace_bytes_max
  too_slow,           ///< transient: no answer in time
  too_many_messages,  ///< peer: more messages on one stream than allowed; detail: the limit
  no_peer,            ///< local: an address that does not end in /p2p/<peer id>
  too_many_points,    ///< local: more points than k_points_max; detail: the limit
};
const ErrorDomain& error_domain(RendezvousError);

}  // namespace vivim::libp2p::rendezvous
