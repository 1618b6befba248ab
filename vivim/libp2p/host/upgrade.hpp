#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vivim/libp2p/transport/direction.hpp"
#include "vivim/libp2p/transport/security.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p {

/// How a dialer proposes its security protocols.
enum class Proposal : std::uint8_t {
  /// The first one, together with its first message: no round trip of its own. The peer cannot be
  /// asked for another then: no_common_security means to dial again with the rest.
  with_first_message,
  /// All of them in order, waiting for each answer.
  one_by_one,
};

/// For a connection of which it is open who proposes: decide().
struct Undecided {
  rt::Loop& loop;
  std::uint64_t number = 0;  ///< drawn at random
  rt::Duration patience{};   ///< how long the peer's proposal is waited for
};

struct UpgradeOptions {
  /// Who proposes, and is the client of all that follows.
  Direction direction = Direction::outbound;
  /// Whom we dialled.
  std::optional<multiformats::PeerId> expected_peer;
  Proposal proposal = Proposal::with_first_message;
  /// In place of `direction` and `proposal`.
  std::optional<Undecided> undecided = {};
  /// Asked when the peer has proved who it is; false ends with HostError::gated.
  std::function<bool(const multiformats::PeerId&)> allow = {};
};

/// What a node speaks, most wanted first; at least one each.
struct UpgradeProtocols {
  std::vector<Security*> securities;
  std::vector<std::string> muxers;
};

/// A secured connection whose ends agreed on a muxer.
struct Upgraded {
  multiformats::PeerId peer;
  Direction direction;  ///< outbound: we are the client
  std::unique_ptr<FrameStream> stream;
  std::string security;          ///< protocol id
  std::string muxer;             ///< protocol id: one of ours
  Bytes early;                   ///< plaintext of the muxer that arrived already
  std::uint64_t held_bytes = 0;  ///< SecureChannel::held_bytes
};

/// multistream, a security handshake, and the muxer: named early within the handshake, or
/// negotiated behind it (libp2p/specs connections). The dialer's first write carries header,
/// proposal and first handshake message. No deadline here: the caller resets the transport, which
/// it may keep a pointer to until this returns. Errors: the transport's, multistream's, the
/// security protocol's (wrong_peer), no_common_security, no_common_muxer,
/// closed_during_negotiation.
rt::Co<Result<Upgraded>> upgrade(std::unique_ptr<rt::Stream> transport, UpgradeProtocols protocols,
                                 UpgradeOptions options);

}  // namespace vivim::libp2p
