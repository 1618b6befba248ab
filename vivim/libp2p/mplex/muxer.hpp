#pragma once

#include <memory>

#include "vivim/libp2p/mplex/session.hpp"
#include "vivim/libp2p/transport/muxer.hpp"

namespace vivim::libp2p::mplex {

/// Makes connections that speak mplex. It has no pings and announces no end: a silent peer is found
/// by the ping protocol, and the end of the stream is the end.
class MplexMuxer final : public Muxer {
 public:
  explicit MplexMuxer(const Config& config = {}) : config_(config) {}
  std::string_view protocol_id() const override { return k_protocol_id; }
  std::unique_ptr<MuxedConnection> make(rt::Loop& loop, Direction direction,
                                        std::unique_ptr<FrameStream> stream, Bytes early) override;

 private:
  Config config_;
};

}  // namespace vivim::libp2p::mplex
