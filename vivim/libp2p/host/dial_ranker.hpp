#pragma once

#include <vector>

#include "vivim/multiformats/address_scope.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p {

using multiformats::AddressScope;
using multiformats::scope_of;

/// Most addresses of one peer that are dialled; the rest, after ranking, are left out.
inline constexpr std::size_t k_dial_addresses_max = 32;

/// How long after an attempt began the next one begins, if it has not ended (RFC 8305, section 5).
struct DialDelays {
  rt::Duration direct = std::chrono::milliseconds(250);
  /// After an address of this machine or its network: those answer soon, or never.
  rt::Duration local = std::chrono::milliseconds(30);
  /// After a public address, before a relayed one: whoever names a relay believes that the public
  /// address does not answer, and a hole can be punched only once there is a relayed connection.
  rt::Duration relay = std::chrono::milliseconds(0);
};

/// An address, and how long after the one before it (the first: after the start) it is dialled.
struct RankedAddress {
  multiformats::Multiaddr address;
  rt::Duration delay{};

  friend bool operator==(const RankedAddress&, const RankedAddress&) = default;
};

/// The order in which to dial: QUIC and WebTransport before TCP before WebSocket before WebRTC,
/// relays last; within each, loopback before private before public addresses and names, and IPv6
/// and IPv4 in turn, IPv6 first. But the first relayed address is right behind the first public
/// one. Duplicates go; at most k_dial_addresses_max stay.
std::vector<RankedAddress> rank_addresses(std::vector<multiformats::Multiaddr> addresses,
                                          const DialDelays& delays = {});

/// Whether an address leads through a relay.
bool is_relayed(const multiformats::Multiaddr& address);

}  // namespace vivim::libp2p
