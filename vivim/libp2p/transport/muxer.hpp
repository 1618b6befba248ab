#pragma once

#include <memory>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/libp2p/transport/connection.hpp"
#include "vivim/libp2p/transport/direction.hpp"
#include "vivim/libp2p/transport/security.hpp"
#include "vivim/rt/loop.hpp"

namespace vivim::libp2p {

/// A stream multiplexer: makes connections of secured streams. One object serves all connections.
class Muxer {
 public:
  virtual ~Muxer() = default;

  /// "/yamux/1.0.0", "/mplex/6.7.0". Constant.
  virtual std::string_view protocol_id() const = 0;

  /// A connection over `stream`; `early` is what arrived of the muxer's bytes already, to be taken
  /// before the stream's.
  virtual std::unique_ptr<MuxedConnection> make(rt::Loop& loop, Direction direction,
                                                std::unique_ptr<FrameStream> stream,
                                                Bytes early) = 0;
};

}  // namespace vivim::libp2p
