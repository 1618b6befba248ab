#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "vivim/libp2p/transport/close_reason.hpp"
#include "vivim/libp2p/transport/direction.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/rt/clock.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p {

using multiformats::Multiaddr;
using multiformats::PeerId;

/// A stream that a peer opened for a protocol with a handler.
struct InboundStream {
  std::unique_ptr<rt::Stream> stream;
  PeerId peer;
  std::string protocol;
  Multiaddr remote;
  bool limited = false;  ///< on a connection of short life and few bytes
  Multiaddr local = {};  ///< our end of the connection
};

/// A stream that we opened, and the protocol that was agreed on (or, where the peer is known to
/// speak it, or StreamOptions asked for it, assumed: then the first read fails if it refused).
struct OpenedStream {
  std::unique_ptr<rt::Stream> stream;
  std::string protocol;
};

/// One connection with a peer.
struct PeerInfo {
  PeerId id;
  Multiaddr address;
  Direction direction = Direction::outbound;
  rt::Duration connected{};         ///< for how long
  std::optional<rt::Duration> rtt;  ///< the last that was measured
  std::string agent;                ///< empty before it has identified itself
  std::vector<std::string> protocols;
  std::vector<Multiaddr> listen_addresses;
  std::string transport;    ///< "tcp", "quic-v1", ...
  std::string security;     ///< "/noise", "/tls/1.0.0", ...
  std::string muxer;        ///< "/yamux/1.0.0", ...
  bool limited = false;     ///< carries only protocols that ask for it
  std::size_t streams = 0;  ///< that somebody holds, of both sides
};

/// Something that happened to a connection.
struct HostEvent {
  enum class Kind : std::uint8_t {
    connected,          ///< secured, with `peer`
    identified,         ///< agent, protocols and addresses of `peer` are known, or changed
    disconnected,       ///< after connected; see `reason`
    addresses_changed,  ///< where others see us: listen_addresses() tells more or fewer; no peer
    failed,             ///< an inbound connection was refused or did not get as far as connected
  };
  Kind kind;
  std::optional<PeerId> peer;  ///< absent when failed before it was known
  Multiaddr remote;
  Direction direction = Direction::inbound;
  std::optional<CloseReason> reason;  ///< of disconnected and failed
  std::size_t connections_left = 0;   ///< with this peer, after the event
  std::string transport = {};         ///< "tcp", ...
  bool limited = false;               ///< a connection that carries only what asks for it
};

/// Ends with its object, which must not outlive the host.
class [[nodiscard]] Subscription {
 public:
  Subscription() = default;
  explicit Subscription(std::move_only_function<void()> cancel) : cancel_(std::move(cancel)) {}
  Subscription(Subscription&& other) noexcept : cancel_(std::exchange(other.cancel_, {})) {}
  Subscription& operator=(Subscription&& other) noexcept {
    std::swap(cancel_, other.cancel_);
    return *this;
  }
  ~Subscription() {
    if (cancel_) {
      cancel_();
    }
  }

 private:
  std::move_only_function<void()> cancel_;
};

}  // namespace vivim::libp2p
