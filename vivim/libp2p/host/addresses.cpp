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

}  // namespace vivim::libp2p
