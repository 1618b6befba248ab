#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::dcutr {

enum class DcutrError {
  malformed,         ///< peer: not the protobuf, or without a known type
  unexpected,        ///< peer: a message out of turn
  no_own_addresses,  ///< local: we have no address to offer
  no_addresses,      ///< peer: it offers no address that we would dial
  not_relayed,       ///< peer: a hole punch without a relayed connection
  too_many,          ///< transient: too many hole punches are under way; detail: the limit
  timed_out,         ///< peer: it did not answer within the deadline
  failed,            ///< transient: no attempt led to a direct connection; detail: how many
};
const ErrorDomain& error_domain(DcutrError);

}  // namespace vivim::libp2p::dcutr
