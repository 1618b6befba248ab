#include "vivim/libp2p/relay/error.hpp"

namespace vivim::libp2p::relay {

const ErrorDomain& error_domain(RelayError) {
  static constexpr ErrorDomain k_domain{
      "relay", [](int code) -> ErrorInfo {
        switch (static_cast<RelayError>(code)) {
          case RelayError::malformed:
            return {"malformed", "a relay message cannot be read", Blame::peer};
          case RelayError::unexpected:
            return {"unexpected", "a relay message out of turn", Blame::peer};
          case RelayError::refused:
            return {"refused", "the relay refused, with this status", Blame::transient};
          case RelayError::bad_voucher:
            return {"bad_voucher", "a reservation voucher that does not hold", Blame::peer};
          case RelayError::already_expired:
            return {"already_expired", "a reservation that has expired already", Blame::peer};
          case RelayError::not_a_circuit:
            return {"not_a_circuit", "not the address of a relay's circuit", Blame::local};
          case RelayError::nested_circuit:
            return {"nested_circuit", "a circuit through a circuit", Blame::local};
          case RelayError::relay_to_itself:
            return {"relay_to_itself", "the relay itself is not behind its circuit", Blame::local};
          case RelayError::no_reservation:
            return {"no_reservation", "no reservation at this relay", Blame::transient};
          case RelayError::too_many_listeners:
            return {"too_many_listeners", "listening through too many relays", Blame::local};
          case RelayError::timed_out:
            return {"timed_out", "the relay did not answer in time", Blame::transient};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::relay
