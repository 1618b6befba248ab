#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "vivim/libp2p/transport/direction.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p {

/// Tags, and reasons for protection, that one peer may have; further ones are refused.
inline constexpr std::size_t k_peer_tags_max = 32;
/// Peers that may have tags or protection without a connection; the least valuable unprotected one
/// makes room.
inline constexpr std::size_t k_tagged_peers_max = 4096;

struct ConnectionManagerOptions {
  /// What is left after connections were closed to make room.
  std::size_t low_water = 128;
  /// Above so many connections some are closed.
  std::size_t high_water = 192;
  /// A connection younger than this is not closed.
  rt::Duration grace = std::chrono::seconds(20);
};

/// Which connections to give up when there are too many: those whose peers are worth least.
/// Sans-IO: tell it what connects and what ends, and close what trim() names.
class ConnectionManager {
 public:
  using ConnectionId = std::uint64_t;

  explicit ConnectionManager(ConnectionManagerOptions options = {}) : options_(options) {}

  /// Gives a peer a value under a name; its value is the sum of all its tags. False when the peer
  /// has too many tags already.
  bool tag(const multiformats::PeerId& peer, const std::string& name, int value);
  void untag(const multiformats::PeerId& peer, const std::string& name);
  std::int64_t value(const multiformats::PeerId& peer) const;

  /// Keeps a peer's connections whatever its value, until each reason was taken back. False when it
  /// has too many reasons already.
  bool protect(const multiformats::PeerId& peer, const std::string& reason);
  void unprotect(const multiformats::PeerId& peer, const std::string& reason);
  bool is_protected(const multiformats::PeerId& peer) const;

  void connected(ConnectionId id, const multiformats::PeerId& peer, Direction direction,
                 rt::TimePoint now);
  void disconnected(ConnectionId id);
  std::size_t connections() const { return connections_.size(); }
  bool above_high_water() const { return connections_.size() > options_.high_water; }
  /// Whether the last connection was the one too many: the time to look. While they are above the
  /// mark a look at each further one would cost the square of them.
  bool crossed_high_water() const { return connections_.size() == options_.high_water + 1; }

  /// When above the high water mark: the connections to close so that as many as the low water mark
  /// are left, the least valuable first; fewer when the rest is protected or young. Equal ones:
  /// those without streams first, then inbound ones, then the oldest. `streams` says how many
  /// streams a connection carries. They count until disconnected().
  template <class Streams>
  std::vector<ConnectionId> trim(rt::TimePoint now, const Streams& streams) const {
    std::vector<Candidate> found = candidates(now);
    for (Candidate& each : found) {
      each.busy = streams(each.id) > 0;
    }
    return choose(std::move(found));
  }

 private:
  struct Connection {
    multiformats::PeerId peer;
    Direction direction;
    rt::TimePoint since;
  };
  struct Standing {
    std::map<std::string, int> tags;
    std::set<std::string> protections;
  };
  struct Candidate {
    std::int64_t value;
    bool busy;
    bool outbound;
    rt::TimePoint since;
    ConnectionId id;

    auto operator<=>(const Candidate&) const = default;
  };

  std::vector<Candidate> candidates(rt::TimePoint now) const;
  std::vector<ConnectionId> choose(std::vector<Candidate> found) const;
  Standing& standing(const multiformats::PeerId& peer);
  void drop_if_empty(const multiformats::PeerId& peer);
  void make_room();

  ConnectionManagerOptions options_;
  std::map<ConnectionId, Connection> connections_;
  std::map<multiformats::PeerId, Standing> standings_;
};

}  // namespace vivim::libp2p
