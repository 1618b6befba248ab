#pragma once

#include <algorithm>

#include "vivim/libp2p/host/dial_plan.hpp"
#include "vivim/libp2p/host/host.hpp"

namespace vivim::libp2p {

/// What a connection at rest takes, for the memory limit.
inline constexpr std::uint64_t k_connection_bytes = std::uint64_t{20} * 1024;

/// Connections that are refused after their handshake and told why, at once; those above that are
/// just dropped. None takes longer than k_close_time_max.
inline constexpr std::size_t k_turned_away_max = 32;

inline constexpr std::string_view k_stream_bytes = "libp2p_stream_bytes_total";
inline constexpr std::string_view k_streams_refused = "libp2p_streams_refused_total";

/// Pushes of identify that a peer may send at once; then one more each second. What is above is not
/// read.
inline constexpr std::size_t k_pushes_at_once_max = 16;
inline constexpr auto k_push_interval = std::chrono::seconds(1);

/// How many pushes of identify a peer may still send.
class PushAllowance {
 public:
  explicit PushAllowance(rt::TimePoint now) : counted_(now) {}

  bool take(rt::TimePoint now) {
    const auto more = (now - counted_) / rt::Duration(k_push_interval);
    counted_ += more * rt::Duration(k_push_interval);
    left_ = std::min(k_pushes_at_once_max, left_ + static_cast<std::size_t>(more));
    if (left_ == 0) {
      return false;
    }
    --left_;
    return true;
  }

 private:
  std::size_t left_ = k_pushes_at_once_max;
  rt::TimePoint counted_;
};

/// A listener and who made it.
struct Host::Listening {
  Transport* transport;
  std::unique_ptr<TransportListener> listener;
  bool closing = false;  ///< gone as soon as its accept() has ended
};

/// A connection that is secured and multiplexed, but not counted yet.
struct Host::Established {
  PeerId peer;
  std::unique_ptr<MuxedConnection> connection;
  Multiaddr local;
  Multiaddr remote;
  std::string security;
  std::string muxer;
  bool limited = false;
  Direction direction = Direction::outbound;  ///< who asked for it, whatever the roles
  std::string transport = {};
  limits::Reservation reservation = {};
  limits::Reservation descriptor = {};  ///< of a dialled connection's socket
  std::uint64_t layers_bytes = 0;       ///< what its layers take at rest
};

/// How one address is dialled, and what came of it.
struct Host::Attempt {
  Proposal proposal = Proposal::with_first_message;
  bool reuse_port = false;
  bool shook_hands_from_port = false;  ///< that we listen on
};

/// A dial that is under way: its task, its attempts, and those who wait for it.
struct Host::Dialing {
  Dialing(rt::Loop& loop, ConnectionId id_, PeerId peer_, const ConnectOptions& options_)
      : id(id_),
        peer(peer_),
        options(options_),
        plan({}, loop.clock().now()),
        changed(loop),
        finished(loop) {}

  /// The first result counts.
  void finish(Result<PeerId> outcome) {
    if (!result) {
      result = std::move(outcome);
      finished.set();
      changed.set();
    }
  }

  ConnectionId id;
  PeerId peer;
  ConnectOptions options;
  DialPlan plan;
  bool has_relay = false;           ///< one of the addresses is relayed
  std::size_t resolving = 0;        ///< names whose addresses will be added to the plan
  limits::Reservation reservation;  ///< until the connection has it
  std::optional<Result<PeerId>> result;
  rt::Event changed;
  rt::Event finished;
};

/// One connection of a host, with what its peer told.
struct Host::Peer {
  Peer(rt::Loop& loop, Established established)
      : id(established.peer),
        local(std::move(established.local)),
        remote(std::move(established.remote)),
        direction(established.direction),
        transport(std::move(established.transport)),
        security(std::move(established.security)),
        muxer(std::move(established.muxer)),
        limited(established.limited),
        layers_bytes(established.layers_bytes),
        since(loop.clock().now()),
        pushes(since),
        reservation(std::move(established.reservation)),
        descriptor(std::move(established.descriptor)),
        connection(std::move(established.connection)),
        released(loop),
        tasks(loop) {}

  PeerId id;
  Multiaddr local;
  Multiaddr remote;
  Direction direction;
  std::string transport;
  std::string security;
  std::string muxer;
  bool limited;
  std::uint64_t layers_bytes;
  rt::TimePoint since;
  PushAllowance pushes;
  identify::Info info;
  std::uint64_t told = 0;                     ///< digest of what the peer knows of us
  std::uint64_t refused_streams_counted = 0;  ///< of those that the muxer refused
  limits::Reservation reservation;
  limits::Reservation descriptor;
  std::unique_ptr<MuxedConnection> connection;
  rt::Event released;  ///< nobody holds its streams, or nobody waits for that any more
  rt::TaskGroup tasks;
};

}  // namespace vivim::libp2p
