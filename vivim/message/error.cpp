#include "vivim/message/error.hpp"

namespace vivim::message {

namespace {

ErrorInfo describe(int code) {
  switch (static_cast<MessageError>(code)) {
    case MessageError::malformed:
      return {"malformed", "not a message of the protocol", Blame::peer};
    case MessageError::too_large:
      return {"too_large", "a part of a message is too large (bytes)", Blame::peer};
    case MessageError::wrong_signer:
      return {"wrong_signer", "a message with another key than its sender's", Blame::peer};
    case MessageError::bad_signature:
      return {"bad_signature", "a message that its sender did not sign", Blame::peer};
    case MessageError::not_for_us:
      return {"not_for_us", "a message for another recipient", Blame::peer};
    case MessageError::expired:
      return {"expired", "a message whose lifetime is over", Blame::peer};
    case MessageError::from_future:
      return {"from_future", "a message from the future: one of the clocks is wrong (ms)",
              Blame::peer};
    case MessageError::hops_spent:
      return {"hops_spent", "a message that was passed on too often", Blame::peer};
    case MessageError::clock_full:
      return {"clock_full", "a vector clock with too many entries", Blame::peer};
    case MessageError::clock_overflow:
      return {"clock_overflow", "a vector clock that cannot grow any more", Blame::local};
    case MessageError::unknown_recipient:
      return {"unknown_recipient", "the recipient's id carries no key to seal a message with",
              Blame::local};
    case MessageError::full:
      return {"full", "no room for more messages (limit)", Blame::transient};
    case MessageError::unknown:
      return {"unknown_message", "there is no such message", Blame::local};
    case MessageError::too_slow:
      return {"too_slow", "the peer did not answer in time", Blame::transient};
  }
  return {"unknown", "unknown error", Blame::local};
}

}  // namespace

const ErrorDomain& error_domain(MessageError) {
  static constexpr ErrorDomain k_domain{"message", describe};
  return k_domain;
}

}  // namespace vivim::message
