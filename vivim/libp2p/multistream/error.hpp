#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::multistream {

enum class MultistreamError {
  malformed_length,   ///< peer: the length prefix is empty, not minimal or longer than two bytes
  message_too_large,  ///< peer: a message announces more than k_message_bytes_max bytes
  missing_newline,    ///< peer: a message does not end with '\n'
  not_multistream,    ///< peer: the first message is not `/multistream/1.0.0`
  unexpected_reply,   ///< peer: the answer to a proposal is neither its echo nor `na`
  none_supported,     ///< peer: it supports none of the proposed protocols
  too_many_rounds,    ///< peer: it goes on proposing beyond k_rounds_max
  malformed_number,   ///< peer: what it sent to choose the initiator by is not `select:` and a u64
  same_number,        ///< peer: it drew our number; connect anew
};
const ErrorDomain& error_domain(MultistreamError);

}  // namespace vivim::libp2p::multistream
