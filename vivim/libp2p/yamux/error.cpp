#include "vivim/libp2p/yamux/error.hpp"

namespace vivim::libp2p::yamux {

namespace {

ErrorInfo describe_peer(YamuxError code) {
  switch (code) {
    case YamuxError::bad_version:
      return {"bad_version", "a frame has another version than 0", Blame::peer};
    case YamuxError::bad_type:
      return {"bad_type", "a frame has an unknown type", Blame::peer};
    case YamuxError::bad_stream_id:
      return {"bad_stream_id", "a frame has an id that it may not have", Blame::peer};
    case YamuxError::duplicate_stream:
      return {"duplicate_stream", "a stream was opened twice", Blame::peer};
    case YamuxError::window_exceeded:
      return {"window_exceeded", "more data than the window allows", Blame::peer};
    case YamuxError::credit_overflow:
      return {"credit_overflow", "window updates exceed 32 bits", Blame::peer};
    case YamuxError::data_after_fin:
      return {"data_after_fin", "data on a stream that its sender closed", Blame::peer};
    case YamuxError::frame_too_large:
      return {"frame_too_large", "a frame is larger than any window", Blame::peer};
    case YamuxError::control_flood:
      return {"control_flood", "the other side asks for answers that it does not read",
              Blame::peer};
    case YamuxError::stream_reset:
      return {"stream_reset", "the other side reset the stream", Blame::peer};
    default:
      return {"unknown", "unknown error", Blame::local};
  }
}

ErrorInfo describe(int code) {
  switch (static_cast<YamuxError>(code)) {
    case YamuxError::ping_timeout:
      return {"ping_timeout", "the other side is silent", Blame::transient};
    case YamuxError::stream_closed:
      return {"stream_closed", "this side closed the stream already", Blame::local};
    case YamuxError::unknown_stream:
      return {"unknown_stream", "there is no such stream", Blame::local};
    case YamuxError::going_away:
      return {"going_away", "the connection is being closed", Blame::transient};
    case YamuxError::too_many_streams:
      return {"too_many_streams", "too many streams are open", Blame::local};
    case YamuxError::backlog_full:
      return {"backlog_full", "too many streams wait for acknowledgement", Blame::transient};
    case YamuxError::streams_exhausted:
      return {"streams_exhausted", "every stream id of this connection was used", Blame::local};
    default:
      return describe_peer(static_cast<YamuxError>(code));
  }
}

}  // namespace

const ErrorDomain& error_domain(YamuxError) {
  static constexpr ErrorDomain k_domain{"yamux", describe};
  return k_domain;
}

}  // namespace vivim::libp2p::yamux
