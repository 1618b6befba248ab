#include "vivim/rt/error.hpp"

namespace vivim::rt {

const ErrorDomain& error_domain(RtError) {
  static constexpr ErrorDomain k_domain{
      "io", [](int code) -> ErrorInfo {
        switch (static_cast<RtError>(code)) {
          case RtError::closed:
            return {"closed", "closed on this side", Blame::transient};
          case RtError::end_of_stream:
            return {"end_of_stream", "the other side closed too early", Blame::peer};
          case RtError::reset:
            return {"reset", "the other side reset the connection", Blame::peer};
          case RtError::refused:
            return {"refused", "connection refused: nobody listens there", Blame::transient};
          case RtError::unreachable:
            return {"unreachable", "cannot be reached", Blame::transient};
          case RtError::timed_out:
            return {"timed_out", "took too long", Blame::transient};
          case RtError::address_in_use:
            return {"address_in_use", "the address is in use by another program", Blame::local};
          case RtError::bad_address:
            return {"bad_address", "not an address that can be used here", Blame::local};
          case RtError::io:
            return {"io", "the operating system refused (errno)", Blame::local};
          case RtError::no_space:
            return {"no_space", "the disk is full", Blame::local};
          case RtError::not_found:
            return {"not_found", "no such file", Blame::local};
          case RtError::no_such_name:
            return {"no_such_name", "no such name, or no such record of it", Blame::transient};
          case RtError::bad_path:
            return {"bad_path", "not a path inside the directory", Blame::local};
          case RtError::limit:
            return {"limit", "a limit of this node was reached", Blame::local};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::rt
