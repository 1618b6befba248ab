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
};
const ErrorDomain& error_domain(RendezvousError);

}  // namespace vivim::libp2p::rendezvous
