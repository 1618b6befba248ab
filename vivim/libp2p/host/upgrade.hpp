#pragma once

#include <memory>
#include <optional>

#include "vivim/libp2p/host/secure_stream.hpp"
#include "vivim/libp2p/noise/handshake.hpp"
#include "vivim/libp2p/transport/direction.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/rt/rng.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p {

struct UpgradeOptions {
  Direction direction = Direction::outbound;
  /// Whom we dialled; outbound only.
  std::optional<multiformats::PeerId> expected_peer;
};

/// A secured connection whose ends agreed on yamux.
struct Upgraded {
  multiformats::PeerId peer;
  std::unique_ptr<SecureStream> stream;
  Bytes early;  ///< plaintext of the muxer that arrived already
};

/// multistream /noise, the Noise XX handshake, and the muxer: named early within the handshake, or
/// negotiated behind it (libp2p/specs connections). The dialer's first write carries header,
/// proposal and first handshake message. No deadline here: the caller resets the transport, which
/// it may keep a pointer to until this returns. Errors: the transport's, multistream's, noise's
/// (wrong_peer), closed_during_negotiation.
rt::Co<Result<Upgraded>> upgrade(std::unique_ptr<rt::Stream> transport,
                                 const noise::Identity& identity, UpgradeOptions options,
                                 rt::Rng& rng);

}  // namespace vivim::libp2p
