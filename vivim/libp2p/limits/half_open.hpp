#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>

#include "vivim/base/bytes.hpp"
#include "vivim/multiformats/multiaddr.hpp"

namespace vivim::libp2p::limits {

/// A handshake that is under way for longer must go when there is no room for another.
inline constexpr auto k_handshake_grace = std::chrono::seconds(2);

/// Inbound handshakes that are under way, and which of them must make room when there are as many
/// as there may be: so that who opens connections and says nothing keeps only others like it out.
/// An origin is an IPv4 address, or an IPv6 /56: what one customer of a provider gets. Sans-IO; as
/// large as its user lets it be.
class HalfOpen {
 public:
  using Id = std::uint64_t;
  /// Since any fixed start.
  using Time = std::chrono::nanoseconds;

  /// A handshake begins; its id.
  Id begin(const multiformats::Multiaddr& from, Time now);
  void end(Id id);
  std::size_t size() const { return all_.size(); }

  /// Whom to end so that one from here gets its place: the oldest of the origin that has the most,
  /// if it has at least two more than this one; else the oldest of all, if its grace is over. None:
  /// the newcomer must go.
  std::optional<Id> to_make_room(const multiformats::Multiaddr& from, Time now) const;

 private:
  struct Handshake {
    Bytes origin;
    Time began;
  };

  std::map<Id, Handshake> all_;  ///< oldest first
  std::map<Bytes, std::size_t> by_origin_;
  Id next_ = 1;
};

}  // namespace vivim::libp2p::limits
