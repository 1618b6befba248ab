#include "vivim/libp2p/websocket/address.hpp"

#include <span>

#include "vivim/base/assert.hpp"

namespace vivim::libp2p::websocket {

namespace {

using multiformats::Component;
using multiformats::Multiaddr;
using multiformats::Protocol;

/// The components behind host and port, without /p2p.
Result<Address> parse_tail(Address address, std::span<const Component> tail) {
  const auto take = [&tail](Protocol protocol) {
    const bool found = !tail.empty() && tail.front().protocol == protocol;
    tail = found ? tail.subspan(1) : tail;
    return found;
  };
  if (take(Protocol::wss)) {
    address.secure = Secure::yes;
  } else {
    if (take(Protocol::tls)) {
      address.secure = Secure::yes;
      const auto before = tail;
      if (take(Protocol::sni)) {
        address.server_name = before.front().text();
      }
    }
    if (!take(Protocol::ws)) {
      return fail(WsError::unsupported_address);
    }
  }
  return tail.empty() ? Result<Address>(address) : fail(WsError::unsupported_address);
}

}  // namespace

std::string Address::host_field() const {
  const std::uint16_t usual = secure == Secure::yes ? 443 : 80;
  const bool bare_v6 = !server_name && endpoint.ip.is_v6;
  return (bare_v6 ? "[" + host() + "]" : host()) +
         (endpoint.port == usual ? "" : ":" + std::to_string(endpoint.port));
}

Result<Address> parse_address(const Multiaddr& multiaddr) {
  const Multiaddr bare = multiaddr.without_peer();
  const auto parts = bare.components();
  if (parts.size() < 3 || parts[1].protocol != Protocol::tcp ||
      (parts[0].protocol != Protocol::ip4 && parts[0].protocol != Protocol::ip6)) {
    return fail(WsError::unsupported_address);
  }
  VIVIM_TRY(const auto ip, rt::IpAddress::parse(parts[0].text()));
  return parse_tail({.endpoint = {.ip = ip, .port = load_be16(parts[1].value)}},
                    std::span(parts).subspan(2));
}

Multiaddr to_multiaddr(const rt::Endpoint& endpoint, Secure secure) {
  const auto tcp = Multiaddr::from_tcp(endpoint.ip.to_string(), endpoint.port);
  const auto tail = Multiaddr::parse(secure == Secure::yes ? "/tls/ws" : "/ws");
  VIVIM_ASSERT(tcp && tail);
  return tcp->with(*tail).value();
}

Multiaddr to_multiaddr(const Address& address) {
  if (!address.server_name) {
    return to_multiaddr(address.endpoint, address.secure);
  }
  const auto tcp = Multiaddr::from_tcp(address.endpoint.ip.to_string(), address.endpoint.port);
  const auto tail = Multiaddr::parse("/tls/sni/" + *address.server_name + "/ws");
  VIVIM_ASSERT(tcp && tail);
  return tcp->with(*tail).value();
}

}  // namespace vivim::libp2p::websocket
