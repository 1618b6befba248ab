#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <vector>

#include "vivim/libp2p/host/error.hpp"
#include "vivim/libp2p/host/events.hpp"
#include "vivim/libp2p/host/options.hpp"
#include "vivim/libp2p/host/upgrade.hpp"
#include "vivim/libp2p/host/watchdog.hpp"
#include "vivim/libp2p/identify/identify.hpp"
#include "vivim/libp2p/limits/half_open.hpp"
#include "vivim/libp2p/limits/resource_manager.hpp"
#include "vivim/libp2p/metrics/metrics.hpp"
#include "vivim/libp2p/multistream/negotiation.hpp"
#include "vivim/libp2p/peerstore/peer_store.hpp"
#include "vivim/libp2p/record/peer_record.hpp"
#include "vivim/multiformats/keys.hpp"
#include "vivim/rt/network.hpp"
#include "vivim/rt/rng.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::libp2p {

/// A libp2p node: transports, securities and muxers as given; connections, streams, identify and
/// ping. One loop.
///
/// A peer's misbehaviour ends its stream or connection and nothing else. stop() is awaited before
/// the host goes; streams that somebody still holds then fail. Awaiting calls of this class end
/// with an error when it stops, and stop() waits for them.
class Host {
 public:
  /// Runs in a task of the host, which waits for it when it stops: ends when its stream fails.
  using Handler = std::function<rt::Co<void>(InboundStream)>;

  Host(HostOptions options, rt::Loop& loop, rt::Network& network, rt::Rng& rng);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const PeerId& peer_id() const { return peer_id_; }
  const multiformats::PublicKey& public_key() const { return public_key_; }
  rt::Loop& loop() { return loop_; }

  /// Adds a way to connect, to secure or to multiplex; behind those that are there. Before the host
  /// listens or dials with it.
  void add_transport(std::unique_ptr<Transport> transport);
  void add_security(std::unique_ptr<Security> security);
  void add_muxer(std::unique_ptr<Muxer> muxer);
  /// Which connections are closed when there are too many: tag and protect peers here.
  ConnectionManager& connection_manager() { return manager_; }
  /// What is known of other peers: filled by connections and identify, used by connect(); others
  /// may add to it.
  peerstore::PeerStore& peer_store() { return store_; }
  /// What is in use, and what was refused.
  const limits::ResourceManager& resources() const { return *resources_; }
  /// Replaces what resolves names.
  void set_resolver(std::unique_ptr<AddressResolver> resolver);

  /// Listens with the first transport that understands the address (TCP:
  /// /ip4|ip6/<ip>/tcp/<port>; port 0 picks one) and returns it with its port. Errors:
  /// unsupported_address, stopping, RtError::address_in_use, bad_address.
  Result<Multiaddr> listen(const Multiaddr& address);
  /// Whether some transport understands an address, names apart.
  bool can_dial(const Multiaddr& address) const { return transport_for(address) != nullptr; }
  /// Ends the listener that listen() returned `bound` for; its connections go on. False: there is
  /// none.
  bool stop_listening(const Multiaddr& bound);
  /// Where others can dial us, each ending in /p2p/<our id>: bound_addresses(), behind them those
  /// of announce(), and what enough peers agree to see us as, if it is something else.
  std::vector<Multiaddr> listen_addresses() const;
  /// Where we listen ourselves, or relays do for us, each with /p2p; the unspecified address is
  /// expanded.
  std::vector<Multiaddr> bound_addresses() const;
  /// Replaces the addresses that lead to us by other means: a mapped port, a proxy, a name.
  void announce(std::vector<Multiaddr> addresses);
  /// Where peers of at least so many groups (ObservedAddresses) see us, on connections from a port
  /// that we listen on; for each listener those first that most see. Less than listen_addresses()
  /// asks for, so unconfirmed: from one group it is any peer's claim.
  std::vector<Multiaddr> observed_addresses(std::size_t observers) const;
  /// A listener has other addresses than before: connected peers are told, a little later.
  void listeners_changed();

  /// Connects with the peer at an address ending in /p2p/<id>; at once when we are connected. Asked
  /// for by somebody, so whatever failed before. Errors: no_peer_in_address, self_dial,
  /// unsupported_address, a limit, stopping, handshake_timeout, no_common_security,
  /// no_common_muxer, the transport's, multistream's and the security protocol's (wrong_peer).
  rt::Co<Result<PeerId>> connect(Multiaddr address);
  /// Connects with a peer at the first of several addresses that answers: in the order of
  /// rank_addresses(), each a little after the one before (RFC 8305). At once when we are
  /// connected; with no addresses, at those in the peer store; a limited connection only counts
  /// when all addresses are relayed. Calls for the same peer share one dial. Addresses that failed
  /// lately are left out. Errors as above, the one that tells most of all addresses; no_addresses,
  /// backing_off.
  rt::Co<Result<PeerId>> connect(PeerId peer, std::vector<Multiaddr> addresses,
                                 ConnectOptions options = {});
  /// Closes every connection with a peer, in order; what is being sent still leaves.
  void disconnect(const PeerId& peer);
  /// How long the dialler of an inbound connection may say nothing before we propose to it: while a
  /// hole is punched, whose server side may dial a socket of ours that listens. Zero: for ever.
  void set_inbound_patience(rt::Duration patience) { inbound_patience_ = patience; }
  /// Closes those that lead through a relay, when a direct one replaced them.
  void disconnect_relayed(const PeerId& peer);

  /// Serves `protocol` from now on, in place of an earlier handler. Error: too_many_protocols.
  Result<void> handle(std::string protocol, Handler handler, HandleOptions options = {});
  /// Refuses `protocol` from now on; streams that are open go on.
  void unhandle(const std::string& protocol);

  /// Opens a stream for the first of `protocols` that the peer speaks. Errors: not_connected,
  /// negotiation_timeout, stopping, multistream's none_supported, yamux's, the stream's.
  rt::Co<Result<OpenedStream>> open_stream(PeerId peer, std::span<const std::string> protocols,
                                           StreamOptions options = {});

  /// Every connection, oldest first.
  std::vector<PeerInfo> peers() const;
  /// Whether there is a connection that is not limited.
  bool connected(const PeerId& peer) const;
  /// Measures a round trip on a stream of its own. Errors: those of open_stream, ping_timeout,
  /// PingError::wrong_echo.
  rt::Co<Result<rt::Duration>> ping(PeerId peer);
  /// The same `count` times after each other on one stream; each of them may take ping_max.
  rt::Co<Result<std::vector<rt::Duration>>> ping(PeerId peer, std::size_t count);

  /// Calls `source` whenever the numbers are rendered, so that it sets those of a service on this
  /// host.
  Subscription publish(std::function<void(metrics::Registry&)> source);

  /// Counters and gauges of connections, dials, streams, bytes, refusals, and what was published,
  /// as Prometheus text.
  std::string metrics_text() const;

  /// Calls `observer` for every event, inside the call that causes it: it must not await.
  Subscription subscribe(std::function<void(const HostEvent&)> observer);

  /// Stops listening, closes every connection in order, waits for every task. Idempotent.
  rt::Co<void> stop();

 private:
  struct Peer;
  using ConnectionId = std::uint64_t;

  struct Established;
  struct Listening;
  struct Dialing;
  struct Attempt;
  /// An inbound connection that is not secured yet.
  struct Handshaking {
    rt::Stream* stream;  ///< null: it came secured
    limits::Reservation reservation;
    std::optional<Error> given_up = {};  ///< for another one
  };
  struct Served {
    Handler handler;
    HandleOptions options;
  };
  /// A handler at work, if there was an agreement.
  struct Serving {
    std::shared_ptr<const Served> served = nullptr;
    std::optional<rt::Co<void>> running = std::nullopt;
  };

  // host.cpp
  void stop_now();
  rt::Co<void> keep_house();
  void emit(const HostEvent& event);
  rt::Co<Result<Upgraded>> secure(std::unique_ptr<rt::Stream> transport, UpgradeOptions options,
                                  std::size_t first_security);
  rt::Co<Result<Established>> establish(TransportConnection connection, UpgradeOptions options,
                                        std::size_t first_security);

  // listening.cpp
  void listener_ended(const Listening& listening);

  // inbound.cpp
  rt::Co<void> accept_loop(Listening& listening);
  void admit(TransportConnection connection, std::string transport);
  bool make_room(const TransportConnection& connection, const Error& error);
  Result<limits::Reservation> reserve_inbound(const TransportConnection& connection);
  rt::Co<std::optional<ConnectionId>> inbound(TransportConnection connection, std::string transport,
                                              limits::HalfOpen::Id handshake);
  void refuse(const Multiaddr& remote, std::optional<PeerId> peer, const Error& error);
  bool admits(const Multiaddr& remote);
  bool allows(Direction direction, const PeerId& peer, const Multiaddr& remote) const;
  void fail_inbound(const Multiaddr& remote, std::optional<PeerId> peer, CloseReason reason);

  // dial.cpp
  bool satisfied(const PeerId& peer, const std::vector<Multiaddr>& addresses) const;
  Result<std::shared_ptr<Dialing>> begin_dial(PeerId peer, std::vector<Multiaddr> addresses,
                                              ConnectOptions options);
  Result<std::vector<Multiaddr>> choose_addresses(const PeerId& peer,
                                                  std::vector<Multiaddr> addresses,
                                                  const ConnectOptions& options) const;
  void add_addresses(const std::shared_ptr<Dialing>& dialing, std::vector<Multiaddr> addresses,
                     multiformats::AddressScope names_reach);
  rt::Co<void> run_dial(std::shared_ptr<Dialing> dialing);
  rt::Co<void> resolve(std::shared_ptr<Dialing> dialing, Multiaddr address,
                       multiformats::AddressScope reach);
  rt::Co<std::optional<ConnectionId>> attempt(std::shared_ptr<Dialing> dialing, Multiaddr address);
  Transport* transport_for(const Multiaddr& address) const;
  rt::Co<Result<Established>> dial(Dialing& dialing, Multiaddr address);
  rt::Co<Result<Established>> dial_once(Transport& transport, Multiaddr address, Dialing& dialing,
                                        Attempt& how);

  // peers.cpp
  Result<ConnectionId> add_peer(Established established);
  Result<void> check_peer(Established& established);
  static CloseReason refusal(const Error& error);
  void turn_away(std::unique_ptr<MuxedConnection> connection, const Error& error);
  rt::Co<void> tell_refusal(std::unique_ptr<MuxedConnection> connection);
  rt::Co<void> run_peer(ConnectionId id);
  rt::Co<void> run_made(rt::Co<std::optional<ConnectionId>> making);
  void trim_connections();
  Peer* best_connection(const PeerId& peer, StreamOptions options = {}) const;
  std::size_t count(const PeerId& peer) const;
  void forget_peer(ConnectionId id);
  static Result<void> account(Peer& peer, std::uint64_t buffer_bytes);
  /// The connections with one peer, oldest first.
  auto connections_with(const PeerId& peer) const {
    const auto [first, last] = by_peer_.equal_range(peer);
    return std::ranges::subrange(first, last) | std::views::values;
  }
  HostEvent event_of(HostEvent::Kind kind, const Peer& peer) const;

  // streams.cpp
  rt::Co<void> accept_streams(Peer& peer);
  rt::Co<void> serve_stream(rt::Co<Serving> agreeing);
  rt::Co<Serving> agree_on_stream(std::unique_ptr<rt::Stream> stream, InboundStream about,
                                  limits::Reservation reservation);
  std::unique_ptr<rt::Stream> hold(std::unique_ptr<rt::Stream> stream,
                                   limits::Reservation reservation, Direction direction,
                                   const std::string& protocol);
  rt::Co<Result<OpenedStream>> open_on(Peer& peer, std::vector<std::string> protocols,
                                       StreamOptions options);
  void update_protocols();

  // host_metrics.cpp
  void declare_metrics();
  void count_connected(const Peer& peer);
  void count_closed(const CloseReason& reason);
  void count_failed(const Error& error);
  void count_dial(const std::optional<Error>& error);
  void count_identify(std::string_view how, const std::optional<Error>& error);
  void count_ping(const std::optional<Error>& error);
  void count_stream(Direction direction, const std::string& protocol);
  void count_refused_stream(std::string_view reason);
  void count_muxer_refusals(Peer& peer) const;

  // services.cpp
  void add_services();

  // identify_service.cpp
  identify::Info describe_self(const Multiaddr& observed);
  void remember(Peer& peer);

  // identify_push.cpp
  void observe_address(const Peer& peer);
  bool is_listened_at(const Multiaddr& local) const;
  void note_change();
  rt::Co<void> push_loop();
  std::uint64_t description_digest() const;
  void push_to_all();
  rt::Co<void> push_to(Peer& peer);
  peerstore::Time wall_now() const { return peerstore::Time(loop_.clock().wall_now_ms()); }
  rt::Co<void> identify_peer(Peer& peer);
  rt::Co<void> answer_identify(InboundStream inbound);
  rt::Co<void> take_identify_push(InboundStream inbound);
  rt::Co<Result<std::vector<rt::Duration>>> measure(PeerId peer, std::size_t count);
  rt::Co<Result<rt::Duration>> measure_on(rt::Stream& stream, ConnectionId id);

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
  HostTimes times_;
  rt::Duration inbound_patience_{};
  PeerId peer_id_;
  multiformats::PublicKey public_key_;
  record::OwnRecord own_record_;
  peerstore::PeerStore store_;
  std::shared_ptr<limits::ResourceManager> resources_;  ///< shared with streams that outlive us
  std::shared_ptr<metrics::Registry> metrics_;          ///< as well
  Watchdog watchdog_;
  std::vector<std::unique_ptr<Transport>> transports_;
  std::vector<std::unique_ptr<Security>> securities_;
  std::vector<std::unique_ptr<Muxer>> muxers_;
  std::unique_ptr<AddressResolver> resolver_;
  std::unique_ptr<ConnectionGater> gater_;
  ConnectionManager manager_;
  std::unique_ptr<rt::Timer> house_timer_;
  ObservedAddresses observed_;
  rt::Event described_;  ///< what identify tells may have changed
  std::unique_ptr<rt::Timer> push_timer_;
  std::vector<Multiaddr> last_addresses_;
  DialDelays dial_delays_;
  DialBackoff backoff_;
  std::vector<std::unique_ptr<Listening>> listeners_;
  std::vector<Multiaddr> announced_;
  std::map<ConnectionId, std::shared_ptr<Dialing>> dialings_;  ///< attempts of one share it
  std::map<ConnectionId, rt::Stream*> upgrading_;
  limits::HalfOpen half_open_;
  std::map<limits::HalfOpen::Id, Handshaking> handshaking_;  ///< inbound ones
  std::map<ConnectionId, std::unique_ptr<Peer>> peers_;      ///< connected
  std::multimap<PeerId, Peer*> by_peer_;                     ///< the same, by who it is
  std::map<ConnectionId, std::unique_ptr<Peer>> ending_;     ///< closed, streams still held
  std::map<std::string, std::shared_ptr<const Served>> handlers_;
  multistream::ProtocolList protocols_;
  std::map<std::uint64_t, std::function<void(const HostEvent&)>> observers_;
  std::map<std::uint64_t, std::function<void(metrics::Registry&)>> sources_;
  std::uint64_t next_id_ = 1;
  std::size_t turning_away_ = 0;
  std::size_t calls_ = 0;
  bool stopping_ = false;
  rt::Event calls_ended_;
  rt::TaskGroup background_;
  rt::TaskGroup streams_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p
