#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "vivim/libp2p/autonat/session.hpp"

namespace vivim::libp2p::autonat {

enum class Reachability : std::uint8_t { unknown, public_, private_ };
/// "unknown", "public", "private".
std::string_view to_string(Reachability reachability);

/// What is known of one address.
struct AddressReachability {
  Multiaddr address;
  Reachability reachability = Reachability::unknown;
  /// By how many servers more it was confirmed than denied (or the other way round).
  std::size_t confidence = 0;

  friend bool operator==(const AddressReachability&, const AddressReachability&) = default;
};

struct ReachabilityOptions {
  /// From this confidence on an address is public or private. The specification suggests more than
  /// three servers; one word is worth nothing in a network of strangers, and all in one's own.
  std::size_t confidence_min = 3;
  /// How long a server's word counts.
  Time lasts = std::chrono::hours(3);
};

/// Addresses that are kept in view.
inline constexpr std::size_t k_watched_addresses_max = 64;
/// Words about one address that are remembered, the latest of each server.
inline constexpr std::size_t k_words_max = 16;

/// Makes up its mind about each of our addresses from what servers say. Sans-IO.
class ReachabilityTable {
 public:
  explicit ReachabilityTable(ReachabilityOptions options = {}) : options_(options) {}

  /// A server's word; replaces its earlier one. What changed by it, if anything did.
  std::optional<AddressReachability> add(const Finding& finding, const PeerId& server, Time now);
  /// Our addresses are these now: the others are forgotten, the new ones queue up.
  void watch(const std::vector<Multiaddr>& addresses, Time now);

  AddressReachability of(const Multiaddr& address, Time now) const;
  std::vector<AddressReachability> all(Time now) const;
  /// `addresses`, the unknown ones first; among equals those that have waited longest since a
  /// server spoke of them, or since they are watched: so that no flood of new ones keeps the old
  /// ones back.
  std::vector<Multiaddr> by_need(std::vector<Multiaddr> addresses, Time now) const;

 private:
  struct Word {
    PeerId server;
    bool reachable;
    Time when;
  };
  struct Entry {
    std::deque<Word> words;
    Reachability last = Reachability::unknown;
    Time waits_since{};
  };
  AddressReachability judge(const Multiaddr& address, const Entry& entry, Time now) const;

  ReachabilityOptions options_;
  std::map<Multiaddr, Entry> entries_;
};

}  // namespace vivim::libp2p::autonat
