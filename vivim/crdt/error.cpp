#include "vivim/crdt/error.hpp"

namespace vivim::crdt {
namespace {

ErrorInfo describe(int code) {
  switch (static_cast<CrdtError>(code)) {
    case CrdtError::truncated:
      return {"truncated", "the input ends inside a value", Blame::peer};
    case CrdtError::number_too_large:
      return {"number_too_large", "number is larger than allowed here", Blame::peer};
    case CrdtError::clock_too_large:
      return {"clock_too_large", "a client's clock is beyond the limit", Blame::peer};
    case CrdtError::bad_utf8:
      return {"bad_utf8", "string is not UTF-8", Blame::peer};
    case CrdtError::bad_any:
      return {"bad_any", "unknown tag of a value", Blame::peer};
    case CrdtError::too_deep:
      return {"too_deep", "value is nested too deep", Blame::peer};
    case CrdtError::bad_content:
      return {"bad_content", "unknown content or type in an update", Blame::peer};
    case CrdtError::bad_struct:
      return {"bad_struct", "contradictory struct in an update", Blame::peer};
    case CrdtError::bad_message:
      return {"bad_message", "unknown sync message", Blame::peer};
    case CrdtError::trailing_bytes:
      return {"trailing_bytes", "bytes after the end", Blame::peer};
    case CrdtError::too_many:
      return {"too_many", "more entries than the limit", Blame::peer};
    case CrdtError::too_costly:
      return {"too_costly", "an update would take more memory than one of its size may",
              Blame::peer};
    case CrdtError::too_much_pending:
      return {"too_much_pending", "too much waits for missing updates", Blame::peer};
    case CrdtError::not_restorable:
      return {"not_restorable", "this version is not known, or not kept, any more", Blame::local};
  }
  return {"unknown", "unknown error", Blame::local};
}

}  // namespace

const ErrorDomain& error_domain(CrdtError) {
  static constexpr ErrorDomain k_domain{"crdt", describe};
  return k_domain;
}

}  // namespace vivim::crdt
