#include "vivim/libp2p/quic/addresses.hpp"

#include "vivim/libp2p/quic/error.hpp"

namespace vivim::libp2p::quic {

using multiformats::Multiaddr;
using multiformats::Protocol;

Result<rt::Endpoint> to_endpoint(const Multiaddr& address) {
  using Host = multiformats::Endpoint::Host;
  const Multiaddr place = address.without_peer();
  const auto endpoint = place.endpoint();
  const auto components = place.components();
  if (!endpoint || !endpoint->udp || components.size() != 3 ||
      components[2].protocol != Protocol::quic_v1 ||
      (endpoint->kind != Host::ip4 && endpoint->kind != Host::ip6)) {
    return fail(QuicError::unsupported_address);
  }
  VIVIM_TRY(const auto ip, rt::IpAddress::parse(endpoint->host));
  return rt::Endpoint{.ip = ip, .port = endpoint->port};
}

Multiaddr to_multiaddr(const rt::Endpoint& endpoint) {
  return Multiaddr::parse((endpoint.ip.is_v6 ? "/ip6/" : "/ip4/") + endpoint.ip.to_string() +
                          "/udp/" + std::to_string(endpoint.port) + "/quic-v1")
      .value();
}

}  // namespace vivim::libp2p::quic
