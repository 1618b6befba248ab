#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "vivim/libp2p/bootstrap/error.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::bootstrap {

using multiformats::Multiaddr;
using multiformats::PeerId;

/// Peers of one list, and addresses of one of them.
inline constexpr std::size_t k_peers_max = 256;
inline constexpr std::size_t k_addresses_max = 16;

struct Config {
  /// Below this many peers, those of the list are dialled.
  std::size_t connections_min = 4;
  std::size_t dials_max = 4;  ///< at once
  /// After a peer failed, or its connection ended soon; doubles each time, and is drawn from half
  /// of it to all of it. Nobody is dialled again sooner than that after a dial.
  rt::Duration retry_min = std::chrono::seconds(5);
  rt::Duration retry_max = std::chrono::minutes(10);
  /// A connection that lasted as long as this was no failure.
  rt::Duration lasting_min = std::chrono::minutes(1);
  /// Randomness of order and delays; need not be secret.
  std::uint64_t seed = 0;
};

/// Whom to dial, and when, so that a node is not alone. Sans-IO.
class Plan {
 public:
  explicit Plan(Config config) : config_(config) {}

  /// Adds an address of a peer. Errors: no_peer, too_many_peers, too_many_addresses.
  Result<void> add(const Multiaddr& address);

  /// A peer to dial, and where.
  struct Target {
    PeerId peer;
    std::vector<Multiaddr> addresses;
  };
  /// The next to dial now, when `connections` peers are connected; asks `is_connected` about each.
  /// It counts as being dialled until succeeded() or failed().
  std::optional<Target> next(rt::TimePoint now, std::size_t connections,
                             const std::function<bool(const PeerId&)>& is_connected);
  void succeeded(const PeerId& peer, rt::TimePoint now);
  void failed(const PeerId& peer, rt::TimePoint now);
  /// The last connection with a peer has ended; also one that is not of the list.
  void disconnected(const PeerId& peer, rt::TimePoint now);

  /// When next() may have something again, if nothing else happens; none when it has to be asked
  /// after an event only.
  std::optional<rt::TimePoint> next_deadline(rt::TimePoint now) const;

  std::size_t peers() const { return peers_.size(); }
  std::size_t dialling() const { return dialling_; }

 private:
  struct Known {
    std::vector<Multiaddr> addresses;
    rt::TimePoint due{};
    rt::Duration retry{};
    std::optional<rt::TimePoint> connected;  ///< since when, by a dial of ours
    bool dialling = false;
  };

  std::uint64_t random();
  void put_off(Known& known, rt::TimePoint now);

  Config config_;
  std::map<PeerId, Known> peers_;
  std::size_t dialling_ = 0;
};

}  // namespace vivim::libp2p::bootstrap
