#pragma once

#include <cstdint>
#include <optional>

#include "vivim/base/bytes.hpp"
#include "vivim/multiformats/multiaddr.hpp"

namespace vivim::multiformats {

/// Where an address lies, nearest first.
enum class AddressScope : std::uint8_t {
  loopback,  ///< also 0.0.0.0 and `::`: who dials these reaches itself
  local,     ///< private, link-local, unique local, shared address space
  global,    ///< every other IP address, and names
};

/// Of an IP address of 4 or 16 bytes; an IPv4 address within IPv6 is what it maps.
AddressScope scope_of_ip(BytesView ip);

/// Of the IP address in front; /memory is of this process.
AddressScope scope_of(const Multiaddr& address);

/// Whether the IP address in front is 0.0.0.0 or `::`; false when there is none.
bool is_unspecified(const Multiaddr& address);

/// Whom an IP address of 4 or 16 bytes belongs to, as far as limits can tell: the IPv4 address
/// itself, the /56 of an IPv6 address (what a provider gives to one customer). Part of `ip`.
BytesView ip_group(BytesView ip);

/// The same of the IP address in front; none when there is none.
std::optional<Bytes> ip_group(const Multiaddr& address);

}  // namespace vivim::multiformats
