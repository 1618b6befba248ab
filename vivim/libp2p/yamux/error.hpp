#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::yamux {

enum class YamuxError {
  bad_version,    ///< peer: a frame's version is not 0
  bad_type,       ///< peer: a frame's type is none of the four
  bad_stream_id,  ///< peer: a stream frame on the session's id, a ping on a stream's, or a SYN of
                  ///< our parity
  duplicate_stream,   ///< peer: a SYN for a stream that exists
  window_exceeded,    ///< peer: it sent more data than the window allowed
  credit_overflow,    ///< peer: window updates add up to more than 2^32-1 (GHSA-4w32-2493-32g7)
  data_after_fin,     ///< peer: data behind its own FIN
  frame_too_large,    ///< peer: a frame for a stream that is gone is larger than any window
  control_flood,      ///< peer: it causes answers without reading them
  ping_timeout,       ///< transient: the peer was silent for a whole ping time-out
  stream_reset,       ///< peer: it reset the stream; detail is its error code
  stream_closed,      ///< local: this side closed or reset the stream already
  unknown_stream,     ///< local: never opened, or released
  going_away,         ///< transient: one side has announced the end of the session
  too_many_streams,   ///< local: outbound_streams_max is reached; wait for EventKind::can_open
  backlog_full,       ///< transient: ack_backlog_max streams wait for the peer's ACK; wait for
                      ///< EventKind::can_open
  streams_exhausted,  ///< local: all 2^31 ids were used; a new connection is needed
};
const ErrorDomain& error_domain(YamuxError);

}  // namespace vivim::libp2p::yamux
