#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::pnet {

enum class PnetError {
  bad_key_file,    ///< local: not a key file of /key/swarm/psk/1.0.0/; detail: the line
  wrong_key,       ///< peer: what it sends does not decipher: it has another key, or none
  public_network,  ///< peer: it belongs to no private network
  not_private,  ///< local: a transport that secures its connections itself has no place for a key
};
const ErrorDomain& error_domain(PnetError);

}  // namespace vivim::libp2p::pnet
