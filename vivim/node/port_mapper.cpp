#include "vivim/node/port_mapper.hpp"

#include <algorithm>

#include "vivim/base/log.hpp"
#include "vivim/libp2p/host/dial_ranker.hpp"

namespace vivim::node {

namespace {

using libp2p::portmap::Port;
using multiformats::Multiaddr;

/// The port behind an address, if a router could map it for anybody's good.
std::optional<Port> port_of(const Multiaddr& address) {
  const auto endpoint = address.endpoint();
  const auto ip = endpoint ? rt::IpAddress::parse(endpoint->host)
                           : Result<rt::IpAddress>(fail(endpoint.error()));
  if (!ip || ip->is_v6 || libp2p::is_relayed(address) ||
      libp2p::scope_of(address) != libp2p::AddressScope::local) {
    return std::nullopt;
  }
  return Port{.protocol = endpoint->udp ? Port::Protocol::udp : Port::Protocol::tcp,
              .number = endpoint->port};
}

}  // namespace

Result<Multiaddr> with_endpoint(const Multiaddr& address, const rt::Endpoint& endpoint) {
  VIVIM_TRY(const auto before, address.endpoint());
  std::string text = std::string(endpoint.ip.is_v6 ? "/ip6/" : "/ip4/") + endpoint.ip.to_string() +
                     (before.udp ? "/udp/" : "/tcp/") + std::to_string(endpoint.port);
  const auto parts = address.components();
  std::string tail;
  for (std::size_t i = 2; i < parts.size(); ++i) {
    const std::string value = parts[i].text();
    tail += "/" + std::string(parts[i].name()) + (value.empty() ? "" : "/" + value);
  }
  return Multiaddr::parse(text + tail);
}

PortMapper::PortMapper(libp2p::Host& host, rt::Worker& router,
                       std::vector<std::unique_ptr<libp2p::portmap::Gateway>> gateways,
                       std::function<void()> on_change)
    : host_(host), service_(host.loop(), router, std::move(gateways), std::move(on_change)) {}

void PortMapper::start() {
  for (const Multiaddr& address : host_.bound_addresses()) {
    const auto port = port_of(address);
    if (!port) {
      continue;
    }
    if (const auto wanted = service_.want(*port); !wanted) {
      log::write(log::Level::warning, "node", "a port is not mapped",
                 {{"port", std::uint64_t{port->number}},
                  {"error", std::string_view(wanted.error().message())}});
      continue;
    }
    wanted_[*port].push_back(address.without_peer());
  }
  if (!wanted_.empty()) {
    service_.start();
  }
}

rt::Co<void> PortMapper::stop() {
  co_await service_.stop();
}

std::vector<MappedAddress> PortMapper::mapped() const {
  std::vector<MappedAddress> all;
  for (const auto& [port, grant] : service_.mappings()) {
    const auto found = wanted_.find(port);
    if (found == wanted_.end()) {
      continue;
    }
    for (const Multiaddr& local : found->second) {
      auto external = with_endpoint(local, {.ip = grant.external_ip, .port = grant.external_port});
      if (external && std::ranges::find(all, *external, &MappedAddress::external) == all.end()) {
        all.push_back({.local = local,
                       .external = std::move(*external),
                       .is_public = libp2p::portmap::is_public(grant.external_ip)});
      }
    }
  }
  return all;
}

std::vector<Multiaddr> PortMapper::addresses() const {
  std::vector<Multiaddr> all;
  for (auto& each : mapped()) {
    if (each.is_public) {
      all.push_back(std::move(each.external));
    }
  }
  return all;
}

}  // namespace vivim::node
