#include "vivim/node/swarm_status.hpp"

#include <algorithm>

#include "vivim/libp2p/host/dial_ranker.hpp"

namespace vivim::node {

namespace {

using gateway::AddressStatus;
using libp2p::autonat::AddressReachability;
using multiformats::Multiaddr;

bool has(const std::vector<Multiaddr>& addresses, const Multiaddr& address) {
  return std::ranges::any_of(addresses,
                             [&](const auto& each) { return each.without_peer() == address; });
}

/// Describes the addresses of a swarm.
class Describer {
 public:
  explicit Describer(Swarm& swarm)
      : swarm_(swarm),
        bound_(swarm.host().bound_addresses()),
        mapped_(swarm.port_mapper() != nullptr ? swarm.port_mapper()->addresses()
                                               : std::vector<Multiaddr>()),
        known_(swarm.address_reachability()) {}

  std::vector<AddressStatus> all() const {
    auto addresses = swarm_.host().listen_addresses();
    for (const auto& observed : swarm_.host().observed_addresses(1)) {
      if (!has(addresses, observed.without_peer())) {
        addresses.push_back(observed);
      }
    }
    std::vector<AddressStatus> described;
    for (const auto& address : addresses) {
      described.push_back(describe(address));
    }
    return described;
  }

 private:
  AddressStatus describe(const Multiaddr& address) const {
    const auto place = address.without_peer();
    const auto judged = std::ranges::find(known_, place, &AddressReachability::address);
    AddressStatus status{.address = address.to_string(), .source = std::string(source(place))};
    if (libp2p::is_relayed(address)) {
      status.reachability = "relayed";
    } else if (judged != known_.end()) {
      status.reachability = to_string(judged->reachability);
      status.confidence = judged->confidence;
    } else {
      const bool global = libp2p::scope_of(place) == libp2p::AddressScope::global;
      status.reachability = global ? "unknown" : "local";
    }
    return status;
  }

  std::string_view source(const Multiaddr& place) const {
    if (libp2p::is_relayed(place)) {
      return "relay";
    }
    if (has(bound_, place)) {
      return "listen";
    }
    if (has(swarm_.announced(), place)) {
      return "announce";
    }
    return has(mapped_, place) ? "mapped" : "observed";
  }

  Swarm& swarm_;
  std::vector<Multiaddr> bound_;
  std::vector<Multiaddr> mapped_;
  std::vector<AddressReachability> known_;
};

void describe_router(const PortMapper& mapper, gateway::ReachabilityStatus& status) {
  status.port_mapping = true;
  status.router = mapper.gateway();
  if (mapper.ports() == 0) {
    status.router_error = "there is no port to map: no address of the local network is listened on";
  } else if (status.router.empty() && mapper.last_error()) {
    status.router_error = mapper.last_error()->message();
  }
  for (const auto& mapped : mapper.mapped()) {
    status.mappings.push_back({.local = mapped.local.to_string(),
                               .external = mapped.external.to_string(),
                               .is_public = mapped.is_public});
  }
}

}  // namespace

rt::Co<Outcome<gateway::AddressesStatus>> SwarmStatus::addresses() {
  co_return gateway::AddressesStatus{.reachability = std::string(to_string(swarm_.reachability())),
                                     .addresses = Describer(swarm_).all()};
}

rt::Co<Outcome<gateway::ReachabilityStatus>> SwarmStatus::reachability() {
  gateway::ReachabilityStatus status{.reachability = std::string(to_string(swarm_.reachability())),
                                     .autonat = swarm_.autonat() != nullptr,
                                     .private_network = swarm_.private_network()};
  if (const auto* seeker = swarm_.relay_seeker()) {
    for (const auto& relay : seeker->relays()) {
      status.relays.push_back({.address = relay.address.to_string(),
                               .source = relay.configured ? "configured" : "found",
                               .reserved = relay.reserved});
    }
  }
  if (const auto* mapper = swarm_.port_mapper()) {
    describe_router(*mapper, status);
  }
  if (const auto* member = swarm_.rendezvous()) {
    status.rendezvous_namespace = member->ns();
    for (const auto& point : member->points()) {
      status.rendezvous.push_back(
          {.address = point.address.to_string(),
           .registered = point.enrolled,
           .found = point.found,
           .last_error = point.last_error ? point.last_error->message() : ""});
    }
  }
  co_return std::move(status);
}

}  // namespace vivim::node
