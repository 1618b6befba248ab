#include "vivim/rt/sim/nat.hpp"

namespace vivim::rt::sim {

Endpoint NatTable::reduced(const Endpoint& remote, NatDependence dependence) {
  switch (dependence) {
    case NatDependence::none:
      return {};
    case NatDependence::address:
      return {.ip = remote.ip, .port = 0};
    case NatDependence::address_and_port:
      break;
  }
  return remote;
}

Endpoint NatTable::outbound(const Endpoint& local, const Endpoint& remote) {
  const auto [at, added] = ports_.try_emplace({local, reduced(remote, options_.mapping)});
  if (added) {
    at->second = next_port_++;
    mappings_.emplace(at->second, Mapping{.local = local, .sent_to = {}});
  }
  mappings_.at(at->second).sent_to.insert(reduced(remote, options_.filtering));
  return {.ip = external_, .port = at->second};
}

std::optional<Endpoint> NatTable::inbound(const Endpoint& external, const Endpoint& remote) const {
  const auto found = mappings_.find(external.port);
  if (external.ip != external_ || found == mappings_.end() ||
      !found->second.sent_to.contains(reduced(remote, options_.filtering))) {
    return std::nullopt;
  }
  return found->second.local;
}

}  // namespace vivim::rt::sim
