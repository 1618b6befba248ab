#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::perf {

enum class PerfError {
  truncated,           ///< peer: the stream ended before what was announced; detail: bytes missing
  too_much,            ///< peer: more came than was asked for
  upload_too_large,    ///< peer: it uploads more than this server takes; detail: the limit
  download_too_large,  ///< peer: it asks for more than this server sends; detail: the limit
  too_many_streams,    ///< peer: too many measurements at once; detail: the limit
  too_slow,            ///< peer: the measurement took longer than this server allows
};
const ErrorDomain& error_domain(PerfError);

}  // namespace vivim::libp2p::perf
