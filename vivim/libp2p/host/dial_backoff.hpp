#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p {

/// Places that are remembered to have failed; the ones to be forgotten first make room.
inline constexpr std::size_t k_backoff_entries_max = 4096;

struct BackoffTimes {
  rt::Duration first = std::chrono::seconds(5);  ///< after one failure; doubles with each further
  rt::Duration max = std::chrono::minutes(5);
};

/// Which addresses of which peers have failed lately, and are not to be dialled again before a time
/// that doubles with every failure. Also of a peer as a whole: when all its addresses failed, the
/// ones that had been tried wait together. Sans-IO, bounded.
class DialBackoff {
 public:
  explicit DialBackoff(BackoffTimes times = {}) : times_(times) {}

  void address_failed(const multiformats::PeerId& peer, const multiformats::Multiaddr& address,
                      rt::TimePoint now);
  void peer_failed(const multiformats::PeerId& peer, rt::TimePoint now);
  /// Forgets the peer's failure as a whole, and the address's.
  void succeeded(const multiformats::PeerId& peer, const multiformats::Multiaddr& address);

  /// Until when the address is not to be dialled; none when it may be now.
  std::optional<rt::TimePoint> blocked_until(const multiformats::PeerId& peer,
                                             const multiformats::Multiaddr& address,
                                             rt::TimePoint now) const;

  std::size_t size() const { return entries_.size(); }

 private:
  /// An empty address stands for the peer as a whole.
  using Key = std::pair<multiformats::PeerId, multiformats::Multiaddr>;
  struct Entry {
    std::uint32_t failures = 0;
    rt::TimePoint until{};
  };

  void fail(const Key& key, rt::TimePoint now);
  void make_room();

  BackoffTimes times_;
  std::map<Key, Entry> entries_;
};

}  // namespace vivim::libp2p
