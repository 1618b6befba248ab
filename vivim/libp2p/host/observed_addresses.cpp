#include "vivim/libp2p/host/observed_addresses.hpp"

#include <algorithm>

#include "vivim/libp2p/host/dial_ranker.hpp"

namespace vivim::libp2p {

using multiformats::Multiaddr;
using multiformats::Protocol;

namespace {

/// The socket that an address is of, whatever its IP address.
std::optional<std::string> socket_of(const Multiaddr& address) {
  const auto parts = address.components();
  if (parts.size() < 2 ||
      (parts[0].protocol != Protocol::ip4 && parts[0].protocol != Protocol::ip6) ||
      (parts[1].protocol != Protocol::tcp && parts[1].protocol != Protocol::udp)) {
    return std::nullopt;
  }
  return std::string(parts[0].name()) + "/" + std::string(parts[1].name()) + "/" + parts[1].text();
}

/// "ip4/tcp": what two addresses must have in common to be of one connection.
std::string kind_of(const std::string& socket) {
  return socket.substr(0, socket.rfind('/'));
}

template <class Map, class Rank>
void bound(Map& map, std::size_t size_max, const Rank& rank) {
  while (map.size() > size_max) {
    map.erase(std::ranges::min_element(map, {}, rank));
  }
}

}  // namespace

std::optional<Multiaddr> thin_waist(const Multiaddr& address) {
  const auto socket = socket_of(address);
  if (!socket) {
    return std::nullopt;
  }
  const auto parts = address.components();
  auto place = Multiaddr::parse("/" + std::string(parts[0].name()) + "/" + parts[0].text() + "/" +
                                std::string(parts[1].name()) + "/" + parts[1].text());
  return place ? std::optional(std::move(*place)) : std::nullopt;
}

void ObservedAddresses::observe(const Multiaddr& local, const Multiaddr& observed,
                                const Multiaddr& observer, rt::TimePoint now) {
  const auto socket = socket_of(local);
  const auto place = thin_waist(observed);
  const auto group = multiformats::ip_group(observer);
  if (!socket || !place || !group || kind_of(*socket) != kind_of(*socket_of(*place)) ||
      is_relayed(observer) || is_relayed(observed)) {
    return;
  }
  const AddressScope scope = scope_of(*place);
  const bool counts = options_.observers == Observers::all || scope == scope_of(observer);
  if (scope == AddressScope::loopback || !counts ||
      (!sockets_.contains(*socket) && sockets_.size() >= k_observed_sockets_max)) {
    return;
  }
  Places& places = sockets_[*socket];
  places[*place][*group] = now;
  bound(places[*place], k_observers_max, [](const auto& each) { return each.second; });
  bound(places, k_observed_places_max,
        [&](const auto& each) { return std::pair(each.second.size(), each.first == *place); });
}

bool ObservedAddresses::same_socket(const Multiaddr& a, const Multiaddr& b) {
  const auto of_a = socket_of(a);
  return of_a && of_a == socket_of(b);
}

std::vector<Multiaddr> ObservedAddresses::best(const Places& places, std::size_t observers,
                                               rt::TimePoint now) const {
  std::vector<std::pair<std::size_t, Multiaddr>> ranked;
  for (const auto& [place, groups] : places) {
    const auto fresh = static_cast<std::size_t>(std::ranges::count_if(
        groups, [&](const auto& each) { return now - each.second < options_.ttl; }));
    if (fresh >= observers) {
      ranked.emplace_back(fresh, place);
    }
  }
  std::ranges::sort(ranked, std::greater());
  std::vector<Multiaddr> best;
  for (auto& [seen, place] : ranked) {
    if (best.size() < options_.confirmed_max) {
      best.push_back(std::move(place));
    }
  }
  return best;
}

std::vector<Multiaddr> ObservedAddresses::seen_by(std::size_t observers, const Multiaddr& listened,
                                                  rt::TimePoint now) const {
  std::vector<Multiaddr> seen;
  const auto socket = is_relayed(listened) ? std::nullopt : socket_of(listened);
  const auto found = socket ? sockets_.find(*socket) : sockets_.end();
  if (found == sockets_.end()) {
    return seen;
  }
  const std::string text = listened.to_string();
  const std::string front = thin_waist(listened)->to_string();
  for (const Multiaddr& place : best(found->second, observers, now)) {
    if (auto address = Multiaddr::parse(place.to_string() + text.substr(front.size()))) {
      seen.push_back(std::move(*address));
    }
  }
  return seen;
}

bool ObservedAddresses::update(rt::TimePoint now) {
  std::set<std::pair<Socket, Multiaddr>> current;
  for (auto& [socket, places] : sockets_) {
    for (auto& [place, groups] : places) {
      std::erase_if(groups, [&](const auto& each) { return now - each.second >= options_.ttl; });
    }
    std::erase_if(places, [](const auto& each) { return each.second.empty(); });
    for (const Multiaddr& place : best(places, options_.observers_min, now)) {
      current.emplace(socket, place);
    }
  }
  std::erase_if(sockets_, [](const auto& each) { return each.second.empty(); });
  return std::exchange(last_confirmed_, current) != current;
}

}  // namespace vivim::libp2p
