#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "vivim/libp2p/autonat/reachability.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::node {

/// Relays that nobody configured, at once.
inline constexpr std::size_t k_found_relays_max = 2;
/// Relays that are remembered for having refused us.
inline constexpr std::size_t k_failed_relays_max = 64;

/// Of several addresses: public when one is, private when none is and one is known not to be.
libp2p::autonat::Reachability overall(
    const std::vector<libp2p::autonat::AddressReachability>& addresses);

struct RelayTimes {
  /// How long nobody may tell whether we can be reached, before it is taken that we cannot.
  rt::Duration unknown_max = std::chrono::seconds(30);
  /// How long a relay that nobody configured may take to give us a reservation.
  rt::Duration reserve_max = std::chrono::seconds(30);
  /// How long one that did not is left alone.
  rt::Duration pause = std::chrono::minutes(10);
};

/// Through which relays to be reached. Those that are configured at once, until it is known that
/// others reach us without; when they do not, also relays that we happen to be connected with.
/// Sans-IO.
class RelayChoice {
 public:
  using Reachability = libp2p::autonat::Reachability;
  using Multiaddr = multiformats::Multiaddr;
  using PeerId = multiformats::PeerId;

  /// `configured`: each ends in /p2p/<id>.
  RelayChoice(std::vector<Multiaddr> configured, rt::TimePoint now, RelayTimes times = {})
      : times_(times), configured_(std::move(configured)), doubted_since_(now) {}

  /// The relays to listen through from now on. `candidates`: addresses of connected relays, each
  /// ending in /p2p/<id>; `reserved`: whether one holds a reservation of ours.
  std::vector<Multiaddr> update(Reachability reachability, const std::vector<Multiaddr>& candidates,
                                const std::function<bool(const PeerId&)>& reserved,
                                rt::TimePoint now);

  const std::vector<Multiaddr>& configured() const { return configured_; }

 private:
  struct Found {
    Multiaddr address;
    rt::TimePoint since;
  };
  bool is_configured(const PeerId& peer) const;
  void give_up_failed(const std::function<bool(const PeerId&)>& reserved, rt::TimePoint now);
  void find_more(const std::vector<Multiaddr>& candidates, std::size_t wanted, rt::TimePoint now);

  RelayTimes times_;
  std::vector<Multiaddr> configured_;
  std::map<PeerId, Found> found_;
  std::map<PeerId, rt::TimePoint> failed_;  ///< until when each is left alone
  rt::TimePoint doubted_since_;             ///< since when we are not known to be public
};

}  // namespace vivim::node
