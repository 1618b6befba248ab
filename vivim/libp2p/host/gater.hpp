#pragma once

#include "vivim/libp2p/transport/direction.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p {

/// Decides whom a host connects with. Asked at each step, as soon as what is asked about is known;
/// a refusal ends the dial or connection with HostError::gated. Everything is allowed unless
/// overridden. Calls must not await, nor call the host.
class ConnectionGater {
 public:
  virtual ~ConnectionGater() = default;

  /// Before a peer is dialled, whatever the address.
  virtual bool allow_dial(const multiformats::PeerId& peer);
  /// Before one address of a peer is dialled; others of the peer still may be.
  virtual bool allow_address(const multiformats::PeerId& peer,
                             const multiformats::Multiaddr& address);
  /// When somebody connects, before any byte is read or answered; of a transport with a handshake
  /// of its own (QUIC, WebSocket) again when that has ended.
  virtual bool allow_accept(const multiformats::Multiaddr& remote);
  /// When the peer has proved who it is, before a muxer is agreed on.
  virtual bool allow_secured(Direction direction, const multiformats::PeerId& peer,
                             const multiformats::Multiaddr& remote);
  /// When the connection could be used.
  virtual bool allow_upgraded(Direction direction, const multiformats::PeerId& peer,
                              const multiformats::Multiaddr& remote);
};

}  // namespace vivim::libp2p
