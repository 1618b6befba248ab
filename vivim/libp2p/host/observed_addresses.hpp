#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p {

/// Places of which observations are kept: sockets that we listen on, external addresses of each,
/// and groups of observers of each of those.
inline constexpr std::size_t k_observed_sockets_max = 16;
inline constexpr std::size_t k_observed_places_max = 16;
inline constexpr std::size_t k_observers_max = 16;

/// Whose word counts.
enum class Observers : std::uint8_t {
  same_scope,  ///< nobody in our own network can tell where the Internet sees us
  all,         ///< for tests and closed networks
};

struct ObservationOptions {
  /// Groups of observers that must agree.
  std::size_t observers_min = 4;
  /// How long an observation counts after it was made last.
  rt::Duration ttl = std::chrono::minutes(30);
  /// External addresses of one socket that count at most: those that most observers saw.
  std::size_t confirmed_max = 3;
  Observers observers = Observers::same_scope;
};

/// Where others see us: addresses that peers told in identify, believed when enough of them agree
/// that are not each other's neighbours (one IPv4 address, or one /56 of IPv6, is one observer).
/// Addresses are compared without what is above their port ("thin waist"), so that all transports
/// on one port share their observations. Sans-IO, bounded.
class ObservedAddresses {
 public:
  explicit ObservedAddresses(ObservationOptions options = {}) : options_(options) {}

  /// A peer at `observer` says that it sees our end of a connection, `local` here, as `observed`.
  /// Only what can be an address of a listener counts: the caller passes connections whose local
  /// port is one that we listen on. Ignored: loopback addresses, another transport or IP version,
  /// and an address of another scope than the observer's, unless all observers count.
  void observe(const multiformats::Multiaddr& local, const multiformats::Multiaddr& observed,
               const multiformats::Multiaddr& observer, rt::TimePoint now);

  /// `listened` as others see it: its first two components replaced by each confirmed external
  /// address of its port.
  std::vector<multiformats::Multiaddr> external(const multiformats::Multiaddr& listened,
                                                rt::TimePoint now) const {
    return seen_by(options_.observers_min, listened, now);
  }
  /// The same for external addresses that `observers` groups agree on, which may be too few to
  /// believe them; as many as external() at most, those that most observers saw first.
  std::vector<multiformats::Multiaddr> seen_by(std::size_t observers,
                                               const multiformats::Multiaddr& listened,
                                               rt::TimePoint now) const;

  /// Whether two addresses are of one port that is listened on, whatever their IP addresses.
  static bool same_socket(const multiformats::Multiaddr& a, const multiformats::Multiaddr& b);

  /// Drops observations that are too old. True when that, or an observation since the last call,
  /// changed what is confirmed.
  bool update(rt::TimePoint now);

 private:
  /// A port that we listen on: "4/tcp/4001".
  using Socket = std::string;
  using Groups = std::map<Bytes, rt::TimePoint>;
  using Places = std::map<multiformats::Multiaddr, Groups>;

  std::vector<multiformats::Multiaddr> best(const Places& places, std::size_t observers,
                                            rt::TimePoint now) const;

  ObservationOptions options_;
  std::map<Socket, Places> sockets_;
  std::set<std::pair<Socket, multiformats::Multiaddr>> last_confirmed_;
};

/// The first two components, an IP address and a TCP or UDP port; none when they are others.
std::optional<multiformats::Multiaddr> thin_waist(const multiformats::Multiaddr& address);

}  // namespace vivim::libp2p
