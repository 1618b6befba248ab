#include "vivim/libp2p/host/dial_ranker.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <utility>

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
  if (before.way == Way::relay) {
    return delays.direct;
  }
  if (next.way == Way::relay && before.scope == AddressScope::global) {
    return delays.relay;
  }
  return before.scope == AddressScope::global ? delays.direct : delays.local;
}

// Who names a relay believes that there is no other way: we wait for one public address only.
void hurry_relay(std::vector<std::pair<Rank, Multiaddr>>& order) {
  const auto relay =
      std::ranges::find(order, Way::relay, [](auto& each) { return each.first.way; });
  const auto direct = std::ranges::find(order.begin(), relay, AddressScope::global,
                                        [](auto& each) { return each.first.scope; });
  if (relay != order.end() && direct != relay) {
    std::rotate(std::next(direct), relay, std::next(relay));
  }
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
  std::vector<std::pair<Rank, Multiaddr>> order;
  for (auto& [rank, group] : ranks) {
    for (auto& address : interleave(std::move(group))) {
      order.emplace_back(rank, std::move(address));
    }
  }
  hurry_relay(order);
  order.resize(std::min(order.size(), k_dial_addresses_max));
  std::vector<RankedAddress> ranked;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto delay =
        i == 0 ? rt::Duration::zero() : delay_after(order[i - 1].first, order[i].first, delays);
    ranked.push_back({.address = std::move(order[i].second), .delay = delay});
  }
  return ranked;
}

}  // namespace vivim::libp2p
