#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <variant>
#include <vector>

#include "vivim/libp2p/record/envelope.hpp"
#include "vivim/libp2p/relay/message.hpp"

namespace vivim::libp2p::relay {

/// A point of the driver's monotonic clock, counted from any fixed start; or a span of it.
using Time = std::chrono::nanoseconds;

/// What a relay gives to others. Refusals by them carry a status, and are counted.
struct RelayLimits {
  std::size_t reservations_max = 128;
  std::size_t reservations_per_ip_max = 8;  ///< IPv6: per /56; a peer has at most one
  Time reservation_time = std::chrono::hours(1);
  std::size_t circuits_max = 512;
  std::size_t circuits_per_peer_max = 16;  ///< from it and to it together
  /// Of one circuit; none: it lasts, or carries, as long as its ends want.
  std::optional<Time> circuit_time_max = std::chrono::minutes(2);
  std::optional<std::uint64_t> circuit_bytes_max = 128 * 1024;  ///< in each direction
  std::size_t requests_max = 128;             ///< being answered at once, by all peers together
  std::size_t requests_per_peer_max = 8;      ///< and by one
  std::size_t requests_per_minute_max = 120;  ///< by one peer
};

/// What an access list says of a peer.
enum class Verdict : std::uint8_t {
  refuse,
  allow,
  prefer,  ///< as allow; when all reservations are taken, it gets that of one who is only allowed
};

/// Whom a relay serves. An empty function allows everybody.
struct Access {
  std::function<Verdict(const PeerId& peer, const Multiaddr& remote)> reserve;
  std::function<bool(const PeerId& from, const Multiaddr& remote, const PeerId& to)> connect;

  /// Only `peers` may reserve; everybody may connect with them.
  static Access only(std::set<PeerId> peers);
  /// `peers` come first; others get what is left.
  static Access preferring(std::set<PeerId> peers);
};

/// Who asks, over which connection.
struct Caller {
  enum class Via : std::uint8_t { direct, relayed };
  PeerId peer;
  Multiaddr remote;
  Via via = Via::direct;
};

struct Now {
  Time time{};
  std::uint64_t unix_s = 0;  ///< only written into reservations
};

/// A circuit of this relay, also one that is still being set up.
enum class CircuitId : std::uint64_t {};
enum class Side : std::uint8_t { source, target };

/// Ask `target` on a stop stream with `message`, then tell Relay::on_stop.
struct Forward {
  CircuitId circuit;
  PeerId target;
  StopMessage message;
};

struct RelayStats {
  std::size_t reservations = 0;
  std::size_t circuits = 0;
  std::uint64_t reservations_granted = 0;
  std::uint64_t circuits_opened = 0;
  std::uint64_t circuits_cut = 0;  ///< ended by a limit of time or bytes
  std::uint64_t bytes = 0;         ///< relayed, both directions
  std::map<Status, std::uint64_t> refused;
};

/// What a relay knows and decides: reservations, circuits, limits. Sans-IO: messages and times in,
/// messages and circuits to end out. It never dials: a target is reached over the connection that
/// it reserved on.
class Relay {
 public:
  Relay(record::Signer signer, RelayLimits limits, Access access)
      : signer_(std::move(signer)),
        self_(PeerId::of(signer_.key)),
        limits_(limits),
        access_(std::move(access)) {}

  /// A hop stream came: may its message be read? If so, request_ended() follows when its answer
  /// left or its circuit began.
  bool begin_request(const PeerId& peer, Time now);
  void end_request(const PeerId& peer);

  /// Answers the message of a hop stream: with a message to send before the stream is closed, or
  /// with what to ask the target first. `addresses`: where this relay can be dialled.
  std::variant<HopMessage, Forward> on_hop(const Caller& caller, const HopMessage& message,
                                           std::span<const Multiaddr> addresses, Now now);

  /// The target's answer, or none when it could not be asked: the message for the hop stream. If
  /// its status is ok, the circuit lives from now on; else it is forgotten.
  HopMessage on_stop(CircuitId circuit, const std::optional<StopMessage>& answer, Time now);

  /// `bytes` arrived from one side of a living circuit: how many of them may pass. Fewer means:
  /// pass these and then reset both streams.
  std::size_t pass(CircuitId circuit, Side from, std::size_t bytes);
  /// The circuit ended, or was given up while it was set up. Idempotent.
  void end(CircuitId circuit);

  /// No connection with this peer is left: its reservation goes.
  void on_disconnected(const PeerId& peer);

  /// When on_time() wants to be called.
  std::optional<Time> next_deadline() const;
  /// Drops reservations that expired, and tells the circuits whose time is over: reset both their
  /// streams, and end() them.
  std::vector<CircuitId> on_time(Time now);

  bool has_reservation(const PeerId& peer) const { return reservations_.contains(peer); }
  RelayStats stats() const;
  const RelayLimits& limits() const { return limits_; }

 private:
  struct Held {
    Time expiry{};
    Bytes ip;
    bool preferred = false;
  };
  struct Circuit {
    PeerId source;
    PeerId target;
    std::optional<Time> deadline;
    std::uint64_t passed[2] = {0, 0};
    bool cut = false;   ///< by a limit, and counted
    bool told = false;  ///< that its time is over
  };
  struct Requests {
    std::size_t under_way = 0;
    std::size_t this_minute = 0;
    Time minute_began{};
  };

  HopMessage refuse(Status status);
  HopMessage reserve(const Caller& caller, std::span<const Multiaddr> addresses, Now now);
  std::variant<HopMessage, Forward> connect(const Caller& caller, const PeerId& target);
  void drop_expired(Time now);
  bool make_room(Verdict verdict, const Bytes& ip, const PeerId& peer);
  std::size_t circuits_of(const PeerId& peer) const;
  std::optional<Limit> limit() const;
  void forget_idle_requests(Time now);

  record::Signer signer_;
  PeerId self_;
  RelayLimits limits_;
  Access access_;
  std::map<PeerId, Held> reservations_;
  std::map<CircuitId, Circuit> circuits_;
  std::map<PeerId, std::size_t> circuits_of_;
  std::map<PeerId, Requests> requests_;
  std::size_t requests_under_way_ = 0;
  std::uint64_t next_circuit_ = 1;
  RelayStats counted_;
};

}  // namespace vivim::libp2p::relay
