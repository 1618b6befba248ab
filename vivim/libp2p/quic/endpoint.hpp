#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "vivim/libp2p/quic/credentials.hpp"
#include "vivim/libp2p/quic/session.hpp"
#include "vivim/rt/rng.hpp"

namespace vivim::libp2p::quic {

struct InboundStart;

/// What an endpoint takes on.
struct EndpointLimits {
  std::size_t sessions_max = 1024;  ///< of both directions, those that end included
  std::size_t half_open_max = 256;  ///< inbound handshakes under way; above, packets are dropped
  std::size_t retry_above = 32;     ///< with more under way, clients must prove their address
  /// Of those whose clients proved their address: from one IPv4 address or IPv6 /56 that is not
  /// this machine.
  std::size_t half_open_per_address_max = 32;
  std::size_t answers_max = 64;  ///< packets outside sessions that wait to be sent
  /// What the receive windows of all connections together may have beyond 128 KiB each, those that
  /// they begin with and their growth.
  std::uint64_t window_budget_bytes = std::uint64_t{256} * 1024 * 1024;
};

/// What was refused, for metrics.
struct EndpointStats {
  std::uint64_t retries = 0;          ///< Retry packets sent
  std::uint64_t refused = 0;          ///< connections refused: a limit
  std::uint64_t gated = 0;            ///< connections refused: not let in
  std::uint64_t dropped = 0;          ///< datagrams that meant nothing here
  std::uint64_t resets = 0;           ///< stateless resets sent
  std::uint64_t version_answers = 0;  ///< version negotiations sent
};

using EndpointSecret = std::array<std::uint8_t, 32>;

struct EndpointEvent {
  SessionId session = 0;
  Event event;
};

/// All QUIC connections of one UDP port, without sockets or clocks: finds a datagram's session,
/// makes sessions for clients, answers what belongs to none. One user, who polls events and
/// transmits after every call.
class Endpoint {
 public:
  /// `secret`: what resets and tokens are made from; the same after a restart, so that peers learn
  /// of it at once; random when absent. Error: identity.
  static Result<std::unique_ptr<Endpoint>> make(const Identity& identity,
                                                CertificateVerifier verify, rt::Rng& rng,
                                                SessionConfig config = {},
                                                EndpointLimits limits = {},
                                                std::optional<EndpointSecret> secret = {});
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  /// Whom to let in, asked before a client's handshake is looked at; at first everybody.
  void set_admission(std::function<bool(const rt::Endpoint& remote)> admission) {
    admission_ = std::move(admission);
  }
  /// Whether clients are answered; at first they are not.
  void set_listening(bool listening) { listening_ = listening; }

  /// Takes a datagram that arrived. The local end of `path` is where the socket is bound; `asked`:
  /// which of our addresses it was sent to, if answers must come from there.
  void feed(const Path& path, std::optional<rt::IpAddress> asked, BytesView datagram, Time now);
  /// Begins a connection; `connected` or `closed` follows. Errors: too_many_connections, internal.
  Result<SessionId> connect(const Path& path, std::optional<PeerId> expected, Time now);

  /// The session, until release(); null when there is none.
  Session* find(SessionId session);
  /// After every call of a session's own members.
  void touch(SessionId session);
  /// Its user is done with a session: it is closed if need be, and forgotten when it can be.
  void release(SessionId session, Time now);

  std::optional<EndpointEvent> poll_event();
  /// Datagrams to send, as Session::poll_transmit; call until there are none.
  std::optional<Transmit> poll_transmit(MutableBytes buffer, Time now);
  std::optional<Time> next_deadline() const;
  void on_deadline(Time now);

  std::size_t sessions() const { return sessions_.size(); }
  std::size_t half_open() const { return half_open_; }
  const EndpointStats& stats() const { return stats_; }

 private:
  class Table;
  struct Answer {
    Path path;
    std::optional<rt::IpAddress> from;
    Bytes bytes;
  };

  Endpoint(CertificateVerifier verify, rt::Rng& rng, SessionConfig config, EndpointLimits limits);

  std::unique_ptr<Session::Impl> make_session(const Path& path, Time now);
  void add_session(std::unique_ptr<Session::Impl> impl);
  Session* session_of(BytesView cid);
  void offer_reset(const Path& path, BytesView datagram, Time now);
  void feed_unknown(const Path& path, BytesView datagram, Time now);
  void feed_initial(const Path& path, BytesView datagram, Time now);
  void answer(const Path& path, Bytes bytes);
  void refuse(const Path& path, const InboundStart& start, std::uint64_t code);
  void send_retry(const Path& path, const InboundStart& start, Time now);
  void send_version_negotiation(const Path& path, BytesView datagram);
  void send_stateless_reset(const Path& path, BytesView datagram);
  void after(Session& session);
  void note_half_open(Session& session);
  bool has_room(const rt::IpAddress& ip, const InboundStart& start) const;
  void list_deadline(Session& session);
  void remove(SessionId session);

  CertificateVerifier verify_;
  std::function<bool(const rt::Endpoint& remote)> admission_;
  rt::Rng& rng_;
  SessionConfig config_;
  EndpointLimits limits_;
  EndpointSecret secret_{};
  std::unique_ptr<Credentials> credentials_;
  std::unique_ptr<Table> table_;
  std::uint64_t windows_left_;
  std::map<SessionId, std::unique_ptr<Session>> sessions_;
  std::set<std::pair<rt::Endpoint, SessionId>> by_remote_;  ///< where each began
  std::set<std::pair<Time, SessionId>> deadlines_;
  std::deque<SessionId> dirty_;
  std::deque<SessionId> with_events_;
  std::deque<Answer> answers_;
  std::optional<rt::IpAddress> asked_;  ///< by the datagram that is being fed
  EndpointStats stats_;
  SessionId next_id_ = 1;
  std::size_t half_open_ = 0;
  bool listening_ = false;
};

}  // namespace vivim::libp2p::quic
