#include "vivim/libp2p/host/dial_ranker.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>

namespace vivim::libp2p {

namespace {

using multiformats::Multiaddr;
using multiformats::Protocol;

enum class Way : std::uint8_t { quic, tcp, websocket, webrtc, relay };

/// What is dialled one after the other; the families within it in turn.
struct Rank {
  Way way;
  AddressScope scope;

  auto operator<=>(const Rank&) const = default;
};

Way way_of(const Multiaddr& address) {
  if (is_relayed(address)) {
    return Way::relay;
  }
  if (address.has(Protocol::webrtc_direct) || address.has(Protocol::webrtc)) {
    return Way::webrtc;
  }
  if (address.has(Protocol::ws) || address.has(Protocol::wss)) {
    return Way::websocket;
  }
  return address.has(Protocol::udp) ? Way::quic : Way::tcp;
}

/// IPv6 and the rest in turn, IPv6 first, each in the order given.
std::vector<Multiaddr> interleave(std::vector<Multiaddr> addresses) {
  std::array<std::deque<Multiaddr>, 2> families;
  for (auto& address : addresses) {
    const bool v6 = address.has(Protocol::ip6) || address.has(Protocol::dns6);
    families[v6 ? 0 : 1].push_back(std::move(address));
  }
  std::vector<Multiaddr> mixed;
  for (std::size_t turn = 0; mixed.size() < addresses.size(); ++turn) {
    auto& family = families[turn % 2];
    if (!family.empty()) {
      mixed.push_back(std::move(family.front()));
      family.pop_front();
    }
  }
  return mixed;
}

rt::Duration delay_after(const Rank& before, const Rank& next, const DialDelays& delays) {
  if (next.way == Way::relay && before.way != Way::relay) {
    return delays.relay;
  }
  return before.scope == AddressScope::global || before.way == Way::relay ? delays.direct
                                                                          : delays.local;
}

}  // namespace

bool is_relayed(const Multiaddr& address) {
  return address.has(Protocol::p2p_circuit);
}

std::vector<RankedAddress> rank_addresses(std::vector<Multiaddr> addresses,
                                          const DialDelays& delays) {
  std::map<Rank, std::vector<Multiaddr>> ranks;
  for (auto& address : addresses) {
    auto& group = ranks[{.way = way_of(address), .scope = scope_of(address)}];
    if (std::ranges::find(group, address) == group.end()) {
      group.push_back(std::move(address));
    }
  }
  std::vector<RankedAddress> ranked;
  std::optional<Rank> before;
  for (auto& [rank, group] : ranks) {
    for (auto& address : interleave(std::move(group))) {
      if (ranked.size() == k_dial_addresses_max) {
        return ranked;
      }
      const auto delay = before ? delay_after(*before, rank, delays) : rt::Duration::zero();
      ranked.push_back({.address = std::move(address), .delay = delay});
      before = rank;
    }
  }
  return ranked;
}

}  // namespace vivim::libp2p
