#pragma once

#include "vivim/base/result.hpp"

namespace vivim::rt {

enum class RtError {
  closed,  ///< transient: the stream, listener or loop was closed here, or the wait was cancelled
  end_of_stream,  ///< peer: the other side closed before the expected bytes came
  reset,    ///< peer: the connection was reset; detail: the reason code, if the muxer carries one
  refused,  ///< transient: nobody listens there
  unreachable,     ///< transient: no route, or the dial timed out
  timed_out,       ///< transient: a deadline passed
  address_in_use,  ///< local: another program listens on this address
  bad_address,     ///< local: not an address this machine has, or not an address at all
  io,              ///< local: the operating system refused; detail: errno
  no_space,        ///< local: the disk is full
  not_found,       ///< local: no such file
  no_such_name,    ///< transient: the name is not known to the DNS, or has no such record
  bad_path,        ///< local: not a path that a Disk takes
  limit,           ///< local: a limit of this process was reached; detail: the limit
};
const ErrorDomain& error_domain(RtError);

}  // namespace vivim::rt
