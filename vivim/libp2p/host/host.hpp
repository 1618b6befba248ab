#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/host/error.hpp"
#include "vivim/libp2p/host/upgrade.hpp"
#include "vivim/libp2p/host/watchdog.hpp"
#include "vivim/libp2p/identify/identify.hpp"
#include "vivim/libp2p/multistream/negotiation.hpp"
#include "vivim/libp2p/noise/handshake.hpp"
#include "vivim/libp2p/transport/close_reason.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/rt/network.hpp"
#include "vivim/rt/rng.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::libp2p {

using multiformats::Multiaddr;
using multiformats::PeerId;

/// Most protocols that a host serves.
inline constexpr std::size_t k_protocols_max = 128;

/// What a host takes on; each has a test (docs/limits.md).
struct HostLimits {
  std::size_t inbound_connections_max = 128;
  std::size_t outbound_connections_max = 128;
  std::size_t connections_per_peer_max = 4;
  std::size_t handshakes_max = 32;         ///< inbound ones under way
  std::size_t inbound_streams_max = 256;   ///< per connection
  std::size_t outbound_streams_max = 256;  ///< per connection
  std::uint64_t window_growth_bytes_max = std::uint64_t{32} * 1024 * 1024;  ///< per connection
};

/// How long things may take.
struct HostTimes {
  rt::Duration dial_max = std::chrono::seconds(10);
  rt::Duration handshake_max = std::chrono::seconds(10);
  rt::Duration negotiation_max = std::chrono::seconds(10);
  rt::Duration identify_max = std::chrono::seconds(10);
  rt::Duration ping_max = std::chrono::seconds(10);
  rt::Duration keep_alive_interval = std::chrono::seconds(30);
  rt::Duration keep_alive_timeout = std::chrono::seconds(10);
};

struct HostOptions {
  const crypto::KeyPair& key;  ///< only used by the constructor
  std::string agent = "vivim";
  HostLimits limits = {};
  HostTimes times = {};
};

/// A stream that a peer opened for a protocol with a handler.
struct InboundStream {
  std::unique_ptr<rt::Stream> stream;
  PeerId peer;
  std::string protocol;
  Multiaddr remote;
};

/// A stream that we opened, and the protocol that was agreed on (or, where the peer is known to
/// speak it, assumed: then the first read fails if it refused).
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
};

/// Something that happened to a connection.
struct HostEvent {
  enum class Kind : std::uint8_t {
    connected,     ///< secured, with `peer`
    identified,    ///< agent, protocols and addresses of `peer` are known, or changed
    disconnected,  ///< after connected; see `reason`
    failed,        ///< an inbound connection was refused or did not get as far as connected
  };
  Kind kind;
  std::optional<PeerId> peer;  ///< absent when failed before it was known
  Multiaddr remote;
  Direction direction = Direction::inbound;
  std::optional<CloseReason> reason;  ///< of disconnected and failed
  std::size_t connections_left = 0;   ///< with this peer, after the event
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

/// A libp2p node over TCP, Noise and yamux: connections, streams, identify and ping. One loop.
///
/// A peer's misbehaviour ends its stream or connection and nothing else. stop() is awaited before
/// the host goes; streams that somebody still holds then fail. Awaiting calls of this class end
/// with an error when it stops, and stop() waits for them.
class Host {
 public:
  /// Runs in a task of the host, which waits for it when it stops: ends when its stream fails.
  using Handler = std::function<rt::Co<void>(InboundStream)>;

  Host(const HostOptions& options, rt::Loop& loop, rt::Network& network, rt::Rng& rng);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const PeerId& peer_id() const { return identity_.peer_id(); }

  /// Listens on /ip4|ip6/<ip>/tcp/<port> (port 0 picks one) and returns the address with its port.
  /// Errors: unsupported_address, stopping, RtError::address_in_use, bad_address.
  Result<Multiaddr> listen(const Multiaddr& address);
  /// Where others can dial us, each ending in /p2p/<our id>; the unspecified address is expanded.
  std::vector<Multiaddr> listen_addresses() const;

  /// Connects with the peer at an address ending in /p2p/<id>; at once when we are connected.
  /// Errors: no_peer_in_address, self_dial, unsupported_address, too_many_connections, stopping,
  /// handshake_timeout, the network's, multistream's and noise's (wrong_peer).
  rt::Co<Result<PeerId>> connect(Multiaddr address);
  /// Closes every connection with a peer, in order; what is being sent still leaves.
  void disconnect(const PeerId& peer);

  /// Serves `protocol` from now on, in place of an earlier handler. Error: too_many_protocols.
  Result<void> handle(std::string protocol, Handler handler);
  /// Refuses `protocol` from now on; streams that are open go on.
  void unhandle(const std::string& protocol);

  /// Opens a stream for the first of `protocols` that the peer speaks. Errors: not_connected,
  /// negotiation_timeout, stopping, multistream's none_supported, yamux's, the stream's.
  rt::Co<Result<OpenedStream>> open_stream(PeerId peer, std::span<const std::string> protocols);

  /// Every connection, oldest first.
  std::vector<PeerInfo> peers() const;
  bool connected(const PeerId& peer) const;
  /// Measures a round trip on a stream of its own. Errors: those of open_stream, ping_timeout,
  /// PingError::wrong_echo.
  rt::Co<Result<rt::Duration>> ping(PeerId peer);

  /// Calls `observer` for every event, inside the call that causes it: it must not await.
  Subscription subscribe(std::function<void(const HostEvent&)> observer);

  /// Stops listening, closes every connection in order, waits for every task. Idempotent.
  rt::Co<void> stop();

 private:
  struct Peer;
  using ConnectionId = std::uint64_t;

  // host.cpp
  void stop_now();
  void emit(const HostEvent& event);
  rt::Co<void> accept_loop(rt::Listener& listener);
  void admit(rt::Connection connection);
  std::optional<Error> why_not_admit() const;
  rt::Co<void> inbound(rt::Connection connection);
  rt::Co<Result<PeerId>> dial(Multiaddr address);
  rt::Co<Result<Upgraded>> secure(std::unique_ptr<rt::Stream> transport, UpgradeOptions options);
  void fail_inbound(const Multiaddr& remote, std::optional<PeerId> peer, CloseReason reason);

  // peers.cpp
  Result<ConnectionId> add_peer(Upgraded upgraded, Multiaddr remote, Direction direction);
  rt::Co<void> run_peer(ConnectionId id);
  Peer* best_connection(const PeerId& peer) const;
  std::size_t count(const PeerId& peer) const;
  std::size_t count(Direction direction) const;
  HostEvent event_of(HostEvent::Kind kind, const Peer& peer) const;

  // streams.cpp
  rt::Co<void> accept_streams(Peer& peer);
  rt::Co<void> serve_stream(std::unique_ptr<rt::Stream> stream, PeerId peer, Multiaddr remote);
  rt::Co<Result<OpenedStream>> open_on(Peer& peer, std::vector<std::string> protocols);
  void update_protocols();

  // services.cpp
  void add_services();
  identify::Info describe_self(const Multiaddr& observed) const;
  rt::Co<void> identify_peer(Peer& peer);
  rt::Co<void> answer_identify(InboundStream inbound);
  rt::Co<void> take_identify_push(InboundStream inbound);
  rt::Co<Result<rt::Duration>> measure(PeerId peer);

  /// Lets stop() wait for the calls that are under way.
  struct Call {
    explicit Call(Host& host);
    ~Call();
    Host& host;
  };

  rt::Loop& loop_;
  rt::Network& network_;
  rt::Rng& rng_;
  std::string agent_;
  HostLimits limits_;
  HostTimes times_;
  noise::Identity identity_;
  Watchdog watchdog_;
  std::vector<std::unique_ptr<rt::Listener>> listeners_;
  std::map<ConnectionId, rt::Stream*> upgrading_;
  std::map<ConnectionId, std::unique_ptr<Peer>> peers_;   ///< connected
  std::map<ConnectionId, std::unique_ptr<Peer>> ending_;  ///< closed, streams still held
  std::map<std::string, std::shared_ptr<const Handler>> handlers_;
  multistream::ProtocolList protocols_;
  std::map<std::uint64_t, std::function<void(const HostEvent&)>> observers_;
  std::uint64_t next_id_ = 1;
  std::size_t handshakes_ = 0;
  std::size_t dials_ = 0;
  std::size_t calls_ = 0;
  bool stopping_ = false;
  rt::Event calls_ended_;
  rt::TaskGroup background_;
  rt::TaskGroup streams_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p
