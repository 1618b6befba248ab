#include "vivim/libp2p/kad/contact.hpp"

#include <algorithm>
#include <iterator>

namespace vivim::libp2p::kad {

namespace {

using multiformats::Protocol;

/// An IPv4 address within IPv6 is what it maps.
constexpr std::size_t k_mapped_bytes = 12;

bool is_mapped(BytesView ip) {
  return ip.size() == 16 &&
         std::ranges::all_of(ip.first(10), [](std::uint8_t byte) { return byte == 0; }) &&
         ip[10] == 0xff && ip[11] == 0xff;
}

Group group_of(BytesView ip) {
  if (is_mapped(ip)) {
    return group_of(ip.subspan(k_mapped_bytes));
  }
  return ip.size() == 4 ? load_be16(ip) : (Group{1} << 32) | load_be32(ip);
}

}  // namespace

std::vector<Multiaddr> in_turn(std::span<const std::span<const Multiaddr>> lists,
                               std::span<const Multiaddr> without) {
  std::vector<Multiaddr> result;
  const auto is_in = [](std::span<const Multiaddr> list, const Multiaddr& address) {
    return std::ranges::find(list, address) != list.end();
  };
  bool more = true;
  for (std::size_t i = 0; more; ++i) {
    more = false;
    for (const auto& list : lists) {
      more = more || i + 1 < list.size();
      if (i >= list.size() || is_in(without, list[i]) || is_in(result, list[i])) {
        continue;
      }
      if (result.size() >= k_contact_addresses_max) {
        return result;
      }
      result.push_back(list[i]);
    }
  }
  return result;
}

std::vector<Multiaddr> within(const std::vector<Multiaddr>& addresses,
                              multiformats::AddressScope scope) {
  std::vector<Multiaddr> kept;
  std::ranges::copy_if(addresses, std::back_inserter(kept), [scope](const Multiaddr& address) {
    return multiformats::scope_of(address) >= scope;
  });
  return kept;
}

std::vector<Group> groups_of(const std::vector<Multiaddr>& addresses) {
  std::vector<Group> groups;
  for (const Multiaddr& address : addresses) {
    const auto parts = address.components();
    const bool is_ip = !parts.empty() && (parts.front().protocol == Protocol::ip4 ||
                                          parts.front().protocol == Protocol::ip6);
    if (!is_ip ||
        multiformats::scope_of_ip(parts.front().value) != multiformats::AddressScope::global) {
      continue;
    }
    const Group group = group_of(parts.front().value);
    if (std::ranges::find(groups, group) == groups.end()) {
      groups.push_back(group);
    }
  }
  return groups;
}

Owner owner_of(const PeerId& peer, const std::vector<Group>& groups) {
  return groups.empty() ? Owner(peer) : Owner(groups.front());
}

std::size_t GroupCounts::count(Group group) const {
  const auto at = std::ranges::lower_bound(counts_, group, {}, &Entry::group);
  return at != counts_.end() && at->group == group ? at->count : 0;
}

void GroupCounts::add(Group group) {
  const auto at = std::ranges::lower_bound(counts_, group, {}, &Entry::group);
  if (at != counts_.end() && at->group == group) {
    ++at->count;
  } else {
    counts_.insert(at, Entry{.group = group, .count = 1});
  }
}

void GroupCounts::remove(Group group) {
  const auto at = std::ranges::lower_bound(counts_, group, {}, &Entry::group);
  if (at != counts_.end() && at->group == group && --at->count == 0) {
    counts_.erase(at);
  }
}

bool GroupCounts::has_room(const std::vector<Group>& groups, std::size_t most) const {
  return std::ranges::all_of(groups, [&](Group group) { return count(group) < most; });
}

}  // namespace vivim::libp2p::kad
