#include "vivim/libp2p/transport/reset_code.hpp"

#include "vivim/rt/error.hpp"

namespace vivim::libp2p {

ResetCode reset_code_for(const Error& error) {
  if (error.is(rt::RtError::reset)) {
    return ResetCode::none;  // the peer's own doing, and no offence
  }
  return error.blame() == Blame::peer ? ResetCode::protocol_violation : ResetCode::none;
}

std::string_view reset_code_name(std::uint32_t code) {
  switch (static_cast<ResetCode>(code)) {
    case ResetCode::none:
      return "none";
    case ResetCode::negotiation_failed:
      return "negotiation_failed";
    case ResetCode::limit_exceeded:
      return "limit_exceeded";
    case ResetCode::rate_limited:
      return "rate_limited";
    case ResetCode::protocol_violation:
      return "protocol_violation";
    case ResetCode::supplanted:
      return "supplanted";
    case ResetCode::garbage_collected:
      return "garbage_collected";
    case ResetCode::shutdown:
      return "shutdown";
    case ResetCode::gated:
      return "gated";
  }
  return "other";
}

}  // namespace vivim::libp2p
