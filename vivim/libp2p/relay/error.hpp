#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::relay {

enum class RelayError {
  malformed,           ///< peer: not the protobuf, or a field is missing or broken
  unexpected,          ///< peer: a message of another type than the conversation asks for
  refused,             ///< transient: the relay said no; detail: its status
  bad_voucher,         ///< peer: a voucher of another relay, of another peer, or badly signed
  already_expired,     ///< peer: a reservation that ended before it began
  not_a_circuit,       ///< local: not <address>/p2p/<relay>/p2p-circuit (with /p2p/<peer> to dial)
  nested_circuit,      ///< local: a circuit through a circuit
  relay_to_itself,     ///< local: the relay and the peer behind it are the same
  no_reservation,      ///< transient: the relay holds no reservation of ours
  too_many_listeners,  ///< local: listens through k_relays_max relays already
  timed_out,           ///< transient: the relay did not answer within the deadline
};
const ErrorDomain& error_domain(RelayError);

}  // namespace vivim::libp2p::relay
