#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "vivim/libp2p/transport/connection.hpp"
#include "vivim/libp2p/transport/direction.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p {

/// A connection that is still to be secured and multiplexed: TCP, WebSocket, a relay's circuit.
struct RawConnection {
  std::unique_ptr<rt::Stream> stream;
  multiformats::Multiaddr local;
  multiformats::Multiaddr remote;
  /// Of short life and few bytes (a relayed one): carries only protocols that ask for it.
  bool limited = false;
  /// In place of `limited` where it is only known once the peer has answered: what it says when the
  /// connection is secured.
  std::shared_ptr<const bool> limited_later = {};
  /// What a TLS of its own takes of memory at rest.
  std::uint64_t held_bytes = 0;
};

/// A connection that came secured and multiplexed: QUIC, WebRTC.
struct SecuredConnection {
  multiformats::PeerId peer;
  std::unique_ptr<MuxedConnection> connection;
  multiformats::Multiaddr local;
  multiformats::Multiaddr remote;
  std::string security;  ///< for people: "tls" in QUIC
  std::string muxer;     ///< "quic"
  bool limited = false;
  /// What its libraries take of memory at rest; they cannot be asked.
  std::uint64_t held_bytes = 0;
};

using TransportConnection = std::variant<RawConnection, SecuredConnection>;

/// Where a transport listens. Closed, and its accept() awaited, before it goes.
class TransportListener {
 public:
  virtual ~TransportListener() = default;
  /// The next inbound connection. A peer that breaks the transport's handshake is not an error of
  /// the listener: it goes on with the next. RtError::closed after close(); any error ends it.
  virtual rt::Co<Result<TransportConnection>> accept() = 0;
  /// Where it listens, with the port that was picked; without /p2p.
  virtual multiformats::Multiaddr local() const = 0;
  /// What peers may dial, if that is not local() alone; the host expands an unspecified IP address
  /// at the front, and adds /p2p.
  virtual std::vector<multiformats::Multiaddr> addresses() const { return {local()}; }
  /// Idempotent.
  virtual void close() = 0;
};

/// Whether a connection from `remote` is let in.
using Admission = std::function<bool(const multiformats::Multiaddr& remote)>;

struct DialOptions {
  rt::Duration timeout = std::chrono::seconds(10);
  /// Whom we dial: a transport that secures its connections fails when another answers.
  std::optional<multiformats::PeerId> expected_peer;
  /// Which side of the security handshake we take; inbound: a hole punch as the server side.
  Direction role = Direction::outbound;
  /// Dial from the port that we listen on, where the transport can.
  bool reuse_port = false;
};

/// A way to connect with peers. Given to one host, which owns it.
class Transport {
 public:
  virtual ~Transport() = default;
  /// "tcp", "ws", "quic-v1", "p2p-circuit": a label of metrics and status. Constant.
  virtual std::string_view name() const = 0;
  /// Whether it understands an address; /p2p/<id> at its end is ignored.
  virtual bool can_dial(const multiformats::Multiaddr& address) const = 0;
  virtual bool can_listen(const multiformats::Multiaddr& address) const = 0;
  /// Listens. The listener must be closed and gone before the transport.
  virtual Result<std::unique_ptr<TransportListener>> listen(
      const multiformats::Multiaddr& address) = 0;
  /// Whom to let in, asked with where a connection comes from: by a transport that has a handshake
  /// of its own before it answers any of it; called from the loop, and not to be awaited. Others
  /// need no such thing: the host asks when they accept.
  virtual void set_admission(Admission admission) { (void)admission; }
  /// Connects. Ends with RtError::timed_out or unreachable after `options.timeout`.
  virtual rt::Co<Result<TransportConnection>> dial(multiformats::Multiaddr address,
                                                   DialOptions options) = 0;
  /// Ends every dial that is under way with RtError::closed.
  virtual void cancel_dials() = 0;
  /// Awaited once by the host after the last listener and connection ended, for a transport that
  /// has tasks or sockets of its own.
  virtual rt::Co<void> stop() { co_return; }
};

}  // namespace vivim::libp2p
