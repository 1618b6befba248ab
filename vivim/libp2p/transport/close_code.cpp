#include "vivim/libp2p/transport/close_code.hpp"

namespace vivim::libp2p {

std::string_view close_code_name(CloseCode code) {
  switch (code) {
    case CloseCode::none:
      return "none";
    case CloseCode::negotiation_failed:
      return "negotiation_failed";
    case CloseCode::limit_exceeded:
      return "limit_exceeded";
    case CloseCode::rate_limited:
      return "rate_limited";
    case CloseCode::protocol_violation:
      return "protocol_violation";
    case CloseCode::supplanted:
      return "supplanted";
    case CloseCode::garbage_collected:
      return "garbage_collected";
    case CloseCode::shutdown:
      return "shutdown";
    case CloseCode::gated:
      return "gated";
  }
  return "other";
}

}  // namespace vivim::libp2p
