#include "vivim/libp2p/transport/close_reason.hpp"

#include "vivim/rt/error.hpp"

namespace vivim::libp2p {

std::string_view to_string(CloseCause cause) {
  switch (cause) {
    case CloseCause::local:
      return "local";
    case CloseCause::remote:
      return "remote";
    case CloseCause::limit:
      return "limit";
    case CloseCause::protocol:
      return "protocol";
    case CloseCause::lost:
      return "lost";
  }
  return "unknown";
}

CloseReason CloseReason::from(Error error) {
  const bool transport = &error.domain() == &error_domain(rt::RtError{});
  if (transport && error.is(rt::RtError::closed)) {
    return {.cause = CloseCause::local, .error = error};
  }
  const bool broke = !transport && error.blame() == Blame::peer;
  return {.cause = broke ? CloseCause::protocol : CloseCause::lost, .error = error};
}

CloseCode CloseReason::told() const {
  if (code != CloseCode::none) {
    return code;
  }
  switch (cause) {
    case CloseCause::limit:
      return CloseCode::limit_exceeded;
    case CloseCause::protocol:
      return CloseCode::protocol_violation;
    default:
      return CloseCode::none;
  }
}

std::string CloseReason::to_string() const {
  std::string text(libp2p::to_string(cause));
  if (code != CloseCode::none) {
    const auto name = close_code_name(code);
    text += " (" +
            (name == "other" ? "code " + std::to_string(to_value(code)) : std::string(name)) + ")";
  }
  return error ? text + ": " + error->message() : text;
}

}  // namespace vivim::libp2p
