#pragma once

#include "vivim/base/result.hpp"

namespace vivim::message {

enum class MessageError {
  malformed,          ///< peer: not an envelope, a frame or a clock; detail: where or what
  too_large,          ///< peer: a part is longer than its limit; detail: its size
  wrong_signer,       ///< peer: the key is not that of the sender
  bad_signature,      ///< peer: not signed by the sender, or for something else
  not_for_us,         ///< peer: the message is for another recipient
  expired,            ///< peer: its lifetime is over
  from_future,        ///< peer: its time lies ahead of our clock; detail: milliseconds
  hops_spent,         ///< peer: it was passed on as often as its sender allows
  clock_full,         ///< peer: a clock would have more entries than allowed; detail: how many
  clock_overflow,     ///< local: an entry of a clock cannot grow any more
  unknown_recipient,  ///< local: the recipient's id does not carry an Ed25519 key to seal to
  full,               ///< transient: a queue or a quota is full; detail: the limit
  unknown,            ///< local: no such message
  too_slow,           ///< transient: no answer in time
};
const ErrorDomain& error_domain(MessageError);

}  // namespace vivim::message
