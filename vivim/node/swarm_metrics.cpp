// What a swarm counts beside its host.
#include "vivim/libp2p/metrics/family.hpp"
#include "vivim/node/swarm.hpp"

namespace vivim::node {

namespace {

using libp2p::metrics::Family;
using libp2p::metrics::Registry;
using libp2p::metrics::Type;

std::string_view to_string(libp2p::dcutr::HolePunchEvent::Kind kind) {
  using Kind = libp2p::dcutr::HolePunchEvent::Kind;
  switch (kind) {
    case Kind::dialled:
      return "dialled";
    case Kind::punched:
      return "punched";
    case Kind::attempt_failed:
      return "attempt_failed";
    case Kind::failed:
      return "failed";
  }
  return "failed";
}

void add_autonat(Registry& registry, const AutonatService& autonat) {
  const auto& asked = autonat.client().stats();
  Family(registry, "libp2p_autonat_asked_total", Type::counter,
         "AutoNAT servers asked about our addresses, by answer", "result")
      .set("reachable", asked.reachable)
      .set("unreachable", asked.unreachable)
      .set("failed", asked.failed);
}

void add_addresses(Registry& registry,
                   const std::vector<libp2p::autonat::AddressReachability>& addresses) {
  Family family(registry, "libp2p_addresses", Type::gauge,
                "our addresses that AutoNAT servers were asked about, by what they say",
                "reachability");
  std::map<libp2p::autonat::Reachability, std::uint64_t> counts;
  for (const auto& each : addresses) {
    ++counts[each.reachability];
  }
  using enum libp2p::autonat::Reachability;
  for (const auto each : {unknown, public_, private_}) {
    family.set(libp2p::autonat::to_string(each), counts[each]);
  }
}

void add_relay_client(Registry& registry, const RelaySeeker& seeker) {
  std::uint64_t reserved = 0;
  const auto relays = seeker.relays();
  for (const auto& relay : relays) {
    reserved += relay.reserved ? 1 : 0;
  }
  Family(registry, "libp2p_relay_client_relays", Type::gauge,
         "relays that we want to be reached through, by whether they hold a reservation",
         "reserved")
      .set("yes", reserved)
      .set("no", relays.size() - reserved);
}

void add_mdns(Registry& registry, const libp2p::mdns::Service& mdns) {
  Family(registry, "libp2p_mdns_peers", Type::gauge, "peers on the local network")
      .set(mdns.peers());
  const auto& refusals = mdns.refusals();
  Family(registry, "libp2p_mdns_refused_total", Type::counter, "what was heard and not taken",
         "reason")
      .set("malformed", refusals.malformed)
      .set("throttled", refusals.throttled)
      .set("addresses", refusals.addresses)
      .set("peers", refusals.peers);
}

void add_rendezvous_member(Registry& registry, const libp2p::rendezvous::Member& member) {
  std::uint64_t registered = 0;
  std::uint64_t found = 0;
  std::uint64_t failed = 0;
  const auto points = member.points();
  for (const auto& point : points) {
    registered += point.enrolled ? 1 : 0;
    found += point.found;
    failed += point.failed;
  }
  Family(registry, "libp2p_rendezvous_points", Type::gauge,
         "rendezvous points, by whether we are registered there", "registered")
      .set("yes", registered)
      .set("no", points.size() - registered);
  Family(registry, "libp2p_rendezvous_found_total", Type::counter, "peers that points told of")
      .set(found);
  Family(registry, "libp2p_rendezvous_failed_total", Type::counter,
         "points that did not answer as they should")
      .set(failed);
}

void add_port_mapping(Registry& registry, const PortMapper& mapper) {
  Family(registry, "libp2p_portmap_ports", Type::gauge,
         "ports to be mapped at the router, and mapped", "state")
      .set("wanted", mapper.ports())
      .set("mapped", mapper.mapped().size());
}

void add_quic(Registry& registry, const libp2p::quic::EndpointStats& stats) {
  Family(registry, "libp2p_quic_packets_total", Type::counter,
         "QUIC packets outside of connections, by what became of them", "kind")
      .set("retry", stats.retries)
      .set("refused", stats.refused)
      .set("gated", stats.gated)
      .set("dropped", stats.dropped)
      .set("stateless_reset", stats.resets)
      .set("version_negotiation", stats.version_answers);
}

}  // namespace

std::string Swarm::metrics_text() const {
  Registry registry;
  add_addresses(registry, address_reachability());
  Family found(registry, "libp2p_discovered_total", Type::counter,
               "peers found for the first time, by what told of them", "source");
  for (const auto& [source, count] : discoveries_.counts()) {
    found.set(source, count);
  }
  using Kind = libp2p::dcutr::HolePunchEvent::Kind;
  Family punches(registry, "libp2p_dcutr_total", Type::counter,
                 "hole punches and their attempts, by result", "result");
  for (const auto kind : {Kind::dialled, Kind::punched, Kind::attempt_failed, Kind::failed}) {
    const auto count = hole_punches_.find(kind);
    punches.set(to_string(kind), count == hole_punches_.end() ? 0 : count->second);
  }
  Family(registry, "libp2p_websocket_refused_total", Type::counter,
         "inbound connections that did not become WebSockets")
      .set(transports_.websocket->refused());
  if (transports_.quic != nullptr) {
    add_quic(registry, transports_.quic->stats());
  }
  if (autonat_) {
    add_autonat(registry, *autonat_);
  }
  if (seeker_) {
    add_relay_client(registry, *seeker_);
  }
  if (mdns_) {
    add_mdns(registry, *mdns_);
  }
  if (member_) {
    add_rendezvous_member(registry, *member_);
  }
  if (mapper_) {
    add_port_mapping(registry, *mapper_);
  }
  return host_.metrics_text() + registry.render();
}

}  // namespace vivim::node
