#pragma once

#include <memory>

#include "vivim/libp2p/transport/muxer.hpp"
#include "vivim/libp2p/yamux/session.hpp"
#include "vivim/libp2p/yamux/window_budget.hpp"

namespace vivim::libp2p {

/// What the receive windows of all connections of one muxer together may grow.
inline constexpr std::uint64_t k_windows_growth_bytes_max = std::uint64_t{256} * 1024 * 1024;

/// Makes connections that speak yamux; outlives them. Their receive windows share one budget.
class YamuxMuxer final : public Muxer {
 public:
  explicit YamuxMuxer(const yamux::Config& config,
                      std::uint64_t windows_growth_bytes_max = k_windows_growth_bytes_max);
  std::string_view protocol_id() const override { return yamux::k_protocol_id; }
  std::unique_ptr<MuxedConnection> make(rt::Loop& loop, Direction direction,
                                        std::unique_ptr<FrameStream> stream, Bytes early) override;

 private:
  yamux::WindowBudget budget_;
  yamux::Config config_;
};

}  // namespace vivim::libp2p
