#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::kad {

enum class KadError {
  malformed,          ///< peer: not a message of the protocol, or a field that it needs is missing
  unexpected,         ///< peer: the answer to something else
  too_slow,           ///< transient: no answer in time
  rate_limited,       ///< peer: asks more often than allowed
  not_its_own,        ///< peer: announces somebody else as a provider
  bad_key,            ///< peer: a key that is empty, or longer than k_key_bytes_max
  unknown_namespace,  ///< peer: a value of a namespace that nobody here can judge
  invalid_record,     ///< peer: a value that its namespace refuses
  record_too_large,   ///< peer: a value above k_value_bytes_max; detail: its size
  record_expired,     ///< transient: a value whose time is over
  worse_record,       ///< peer: a better value is known
  no_room,            ///< transient: the store is full of what matters more
  too_many_messages,  ///< peer: more messages on one stream than allowed; detail: the limit
  no_peers,           ///< transient: nobody is known whom one could ask
  not_found,          ///< transient: nobody who answered knew it
  bad_provider,       ///< peer: a signed provider record that is broken, old, or of another key
  bad_snapshot,       ///< local: not a snapshot of a routing table
  too_many_provided,  ///< local: more keys to provide than allowed; detail: the limit
  stopping,           ///< local: the service ends
};
const ErrorDomain& error_domain(KadError);

}  // namespace vivim::libp2p::kad
