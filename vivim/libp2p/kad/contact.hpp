#pragma once

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "vivim/libp2p/kad/key.hpp"
#include "vivim/multiformats/address_scope.hpp"
#include "vivim/multiformats/multiaddr.hpp"

namespace vivim::libp2p::kad {

using multiformats::Multiaddr;

/// Most addresses that are kept of one peer.
inline constexpr std::size_t k_contact_addresses_max = 8;

/// A node of the DHT, and where it is.
struct Contact {
  PeerId peer;
  std::vector<Multiaddr> addresses;  ///< without /p2p, at most k_contact_addresses_max

  friend bool operator==(const Contact&, const Contact&) = default;
};

/// The addresses of several lists in turn, so that a long list does not push out another: each
/// once, but those in `without`, and at most k_contact_addresses_max.
std::vector<Multiaddr> in_turn(std::span<const std::span<const Multiaddr>> lists,
                               std::span<const Multiaddr> without = {});

/// The addresses that matter between us and somebody at `scope`, whoever of both tells them: of
/// that surrounding and wider ones. What a stranger far away calls 192.168.1.1 is another machine
/// here.
std::vector<Multiaddr> within(const std::vector<Multiaddr>& addresses,
                              multiformats::AddressScope scope);

/// Addresses that are probably one owner's: the /16 of an IPv4 address, the /32 of an IPv6 one.
using Group = std::uint64_t;

/// The groups of the public IP addresses among these, each once; of an address through a relay that
/// of the relay. Others have none: nobody can be told apart by them, and who can be reached at one
/// is no stranger.
std::vector<Group> groups_of(const std::vector<Multiaddr>& addresses);

/// Whom something is counted for: the first group of its addresses, or without one itself.
using Owner = std::variant<Group, PeerId>;
Owner owner_of(const PeerId& peer, const std::vector<Group>& groups);

/// How often a value occurs: for limits on groups. Small, and in no order that depends on memory.
class GroupCounts {
 public:
  std::size_t count(Group group) const;
  void add(Group group);
  void remove(Group group);
  /// Whether each of these could be counted once more without exceeding `most`.
  bool has_room(const std::vector<Group>& groups, std::size_t most) const;
  std::size_t size() const { return counts_.size(); }

 private:
  struct Entry {
    Group group;
    std::size_t count;
  };
  std::vector<Entry> counts_;  ///< by group
};

}  // namespace vivim::libp2p::kad
