#pragma once

#include <optional>
#include <string>

#include "vivim/base/result.hpp"
#include "vivim/libp2p/websocket/error.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/rt/network.hpp"

namespace vivim::libp2p::websocket {

/// Whether TLS is below the WebSocket.
enum class Secure : std::uint8_t { no, yes };

/// What a WebSocket multiaddr says: /ip4|ip6/<ip>/tcp/<port>, then /ws, /wss, /tls/ws or
/// /tls/sni/<name>/ws; /p2p/<id> behind it is ignored (libp2p/specs websockets).
struct Address {
  rt::Endpoint endpoint;
  Secure secure = Secure::no;
  std::optional<std::string> server_name;  ///< of /sni

  /// The name that the server is known by, for TLS and the Host field.
  std::string host() const { return server_name.value_or(endpoint.ip.to_string()); }
  /// The Host field: with the port unless it is the usual one, IPv6 in brackets.
  std::string host_field() const;
};

/// Error: unsupported_address, names included: they are resolved before.
Result<Address> parse_address(const multiformats::Multiaddr& address);

/// /ip4|ip6/<ip>/tcp/<port>/ws or .../tls/ws.
multiformats::Multiaddr to_multiaddr(const rt::Endpoint& endpoint, Secure secure);
/// The multiaddr that parse_address() reads: also .../tls/sni/<name>/ws.
multiformats::Multiaddr to_multiaddr(const Address& address);

}  // namespace vivim::libp2p::websocket
