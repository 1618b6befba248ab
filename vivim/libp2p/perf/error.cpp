#include "vivim/libp2p/perf/error.hpp"

namespace vivim::libp2p::perf {

const ErrorDomain& error_domain(PerfError) {
  static constexpr ErrorDomain k_domain{
      "perf", [](int code) -> ErrorInfo {
        switch (static_cast<PerfError>(code)) {
          case PerfError::truncated:
            return {"truncated", "the stream ended before all bytes came", Blame::peer};
          case PerfError::too_much:
            return {"too_much", "more bytes came than were asked for", Blame::peer};
          case PerfError::upload_too_large:
            return {"upload_too_large", "the upload exceeds what this node takes", Blame::peer};
          case PerfError::download_too_large:
            return {"download_too_large", "the download exceeds what this node sends", Blame::peer};
          case PerfError::too_many_streams:
            return {"too_many_streams", "too many measurements at once", Blame::peer};
          case PerfError::too_slow:
            return {"too_slow", "the measurement took too long", Blame::peer};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::perf
