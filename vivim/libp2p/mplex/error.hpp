#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::mplex {

enum class MplexError {
  bad_header,        ///< peer: a header or length that is not a varint of at most 9 bytes
  bad_flag,          ///< peer: a flag that means nothing; detail: the flag
  message_too_long,  ///< peer: more than k_message_bytes_max; detail: the length
  name_too_long,     ///< peer: a stream's name above k_name_bytes_max; detail: the length
  duplicate_stream,  ///< peer: it opened a stream that exists; detail: its number
  control_flood,     ///< peer: it causes answers without reading them
  stream_reset,      ///< peer: it reset the stream
  slow_reader,       ///< local: the stream was reset because nobody read it for too long
  stream_closed,     ///< local: this side closed or reset the stream already
  unknown_stream,    ///< local: never opened, or released
  too_many_streams,  ///< local: outbound_streams_max is reached; wait for EventKind::can_open
};
const ErrorDomain& error_domain(MplexError);

}  // namespace vivim::libp2p::mplex
