#include "vivim/libp2p/host/addresses.hpp"

#include "vivim/base/assert.hpp"

namespace vivim::libp2p {

using multiformats::Multiaddr;

Result<rt::Endpoint> to_endpoint(const Multiaddr& address) {
  using Host = multiformats::Endpoint::Host;
  const Multiaddr place = address.without_peer();
  const auto endpoint = place.endpoint();
  if (!endpoint || endpoint->udp || place.components().size() != 2 ||
      (endpoint->kind != Host::ip4 && endpoint->kind != Host::ip6)) {
    return fail(HostError::unsupported_address);
  }
  VIVIM_TRY(const auto ip, rt::IpAddress::parse(endpoint->host));
  return rt::Endpoint{.ip = ip, .port = endpoint->port};
}

Multiaddr to_multiaddr(const rt::Endpoint& endpoint) {
  auto address = Multiaddr::from_tcp(endpoint.ip.to_string(), endpoint.port);
  VIVIM_ASSERT(address.has_value());
  return std::move(*address);
}

std::vector<Multiaddr> expand_unspecified(const Multiaddr& address, rt::Network& network) {
  const std::string text = address.to_string();
  const std::string_view front = text.starts_with("/ip4/0.0.0.0/") ? "/ip4/0.0.0.0"
                                 : text.starts_with("/ip6/::/")    ? "/ip6/::"
                                                                   : "";
  if (front.empty()) {
    return {address};
  }
  std::vector<Multiaddr> expanded;
  for (const auto& ip : network.interfaces().value_or(std::vector<rt::IpAddress>{})) {
    if (ip.is_v6 == front.starts_with("/ip6")) {
      const std::string host = (ip.is_v6 ? "/ip6/" : "/ip4/") + ip.to_string();
      if (auto place = Multiaddr::parse(host + text.substr(front.size()))) {
        expanded.push_back(std::move(*place));
      }
    }
  }
  return expanded;
}

}  // namespace vivim::libp2p
