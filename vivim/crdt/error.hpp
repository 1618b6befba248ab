#pragma once

#include "vivim/base/error.hpp"

namespace vivim::crdt {

/// What can be wrong with bytes that claim to be an update, a state vector or an awareness message.
enum class CrdtError {
  truncated,         ///< the input ends inside a value (peer)
  number_too_large,  ///< a number above 2^53 - 1 (peer)
  clock_too_large,   ///< a client's clock beyond k_clock_max (peer)
  bad_utf8,          ///< a string that is not UTF-8 (peer)
  bad_any,           ///< an unknown tag in a lib0 `any` value (peer)
  too_deep,          ///< a lib0 `any` nested deeper than k_any_depth_max (peer)
  bad_content,       ///< an unknown content or type reference in a struct (peer)
  bad_struct,   ///< a struct that contradicts itself: empty, its own parent, a wrong parent (peer)
  bad_message,  ///< an unknown y-protocols message type (peer)
  trailing_bytes,    ///< bytes after the end of the value (peer)
  too_many,          ///< more entries than a limit allows (peer)
  too_costly,        ///< would take more memory than an update of its size may (peer)
  too_much_pending,  ///< more parked bytes than the document may keep (peer)
  not_restorable,    ///< a version of what is not known, or not kept, any more (local)
};
const ErrorDomain& error_domain(CrdtError);

}  // namespace vivim::crdt
