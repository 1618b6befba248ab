#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::mdns {

enum class MdnsError {
  truncated,     ///< peer: a DNS message that ends too early
  bad_name,      ///< peer: a name that is too long, malformed, or points forward or at itself
  too_many,      ///< peer: more questions or records than k_entries_max; detail: how many
  too_large,     ///< peer: a packet of more than k_packet_bytes_max bytes; detail: how many
  no_interface,  ///< local: no interface of this machine takes multicast
};
const ErrorDomain& error_domain(MdnsError);

}  // namespace vivim::libp2p::mdns
