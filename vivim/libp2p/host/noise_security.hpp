#pragma once

#include "vivim/libp2p/noise/handshake.hpp"
#include "vivim/libp2p/transport/security.hpp"
#include "vivim/rt/rng.hpp"

namespace vivim::libp2p {

/// Noise XX as libp2p speaks it, with the muxer agreed on within the handshake.
class NoiseSecurity final : public Security {
 public:
  /// `rng` must outlive this.
  NoiseSecurity(noise::Identity identity, rt::Rng& rng)
      : identity_(std::move(identity)), rng_(rng) {}

  const noise::Identity& identity() const { return identity_; }

  std::string_view protocol_id() const override { return noise::k_protocol_id; }
  /// Errors: the transport's, noise's (wrong_peer), closed_during_negotiation.
  rt::Co<Result<SecureChannel>> secure(std::unique_ptr<rt::Stream> transport, Direction direction,
                                       std::optional<multiformats::PeerId> expected,
                                       std::vector<std::string> muxers) override;

 private:
  noise::Identity identity_;
  rt::Rng& rng_;
};

}  // namespace vivim::libp2p
