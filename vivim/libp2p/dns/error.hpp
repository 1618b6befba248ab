#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::dns {

enum class DnsError {
  no_addresses,  ///< transient: the names of an address lead nowhere
  too_deep,      ///< peer: more than k_depth_max names lead to each other
  too_many,      ///< peer: more than k_questions_max questions for one address
};
const ErrorDomain& error_domain(DnsError);

}  // namespace vivim::libp2p::dns
