#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::identify {

enum class IdentifyError {
  message_too_large,  ///< peer: a message announces more than k_received_bytes_max bytes; detail:
                      ///< how many
  malformed_length,   ///< peer: a length prefix is not a varint
  malformed_message,  ///< peer: a message is not the protobuf, or its key is no key
  truncated,          ///< peer: the stream ended without a whole message
  key_mismatch,       ///< peer: the public key is not that of the peer that the connection is with
  does_not_fit,       ///< local: what is to be told does not fit k_messages_max messages
};
const ErrorDomain& error_domain(IdentifyError);

}  // namespace vivim::libp2p::identify
