#include "vivim/multiformats/address_scope.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"

namespace vivim::multiformats {

namespace {

constexpr std::size_t k_ip4_bytes = 4;
constexpr std::size_t k_ip6_bytes = 16;
constexpr std::size_t k_mapped_prefix_bytes = k_ip6_bytes - k_ip4_bytes;
constexpr std::size_t k_ip6_group_bytes = 7;

bool all_zero(BytesView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

/// ::ffff:0:0/96
bool is_mapped(BytesView ip6) {
  return all_zero(ip6.first(10)) && ip6[10] == 0xff && ip6[11] == 0xff;
}

AddressScope scope_of_ip4(BytesView ip) {
  if (ip[0] == 127 || all_zero(ip)) {
    return AddressScope::loopback;
  }
  const bool local = ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
                     (ip[0] == 192 && ip[1] == 168) || (ip[0] == 169 && ip[1] == 254) ||
                     (ip[0] == 100 && (ip[1] & 0xc0) == 64);
  return local ? AddressScope::local : AddressScope::global;
}

AddressScope scope_of_ip6(BytesView ip) {
  if (is_mapped(ip)) {
    return scope_of_ip4(ip.subspan(k_mapped_prefix_bytes));
  }
  if (all_zero(ip.first(k_ip6_bytes - 1)) && ip.back() <= 1) {
    return AddressScope::loopback;
  }
  const bool unique_local = (ip[0] & 0xfe) == 0xfc;
  const bool link_local = ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
  return unique_local || link_local ? AddressScope::local : AddressScope::global;
}

/// The first IP address, behind nothing but a zone.
std::optional<BytesView> ip_in_front(const Multiaddr& address) {
  for (const Component& component : address.components()) {
    if (component.protocol == Protocol::ip4 || component.protocol == Protocol::ip6) {
      return component.value;
    }
    if (component.protocol != Protocol::ip6zone) {
      break;
    }
  }
  return std::nullopt;
}

}  // namespace

AddressScope scope_of_ip(BytesView ip) {
  VIVIM_ASSERT(ip.size() == k_ip4_bytes || ip.size() == k_ip6_bytes);
  return ip.size() == k_ip4_bytes ? scope_of_ip4(ip) : scope_of_ip6(ip);
}

AddressScope scope_of(const Multiaddr& address) {
  if (const auto ip = ip_in_front(address)) {
    return scope_of_ip(*ip);
  }
  const auto components = address.components();
  const bool memory = !components.empty() && components.front().protocol == Protocol::memory;
  return memory ? AddressScope::loopback : AddressScope::global;
}

bool is_unspecified(const Multiaddr& address) {
  const auto ip = ip_in_front(address);
  return ip && all_zero(*ip);
}

BytesView ip_group(BytesView ip) {
  VIVIM_ASSERT(ip.size() == k_ip4_bytes || ip.size() == k_ip6_bytes);
  if (ip.size() == k_ip4_bytes) {
    return ip;
  }
  return is_mapped(ip) ? ip.subspan(k_mapped_prefix_bytes) : ip.first(k_ip6_group_bytes);
}

std::optional<Bytes> ip_group(const Multiaddr& address) {
  const auto ip = ip_in_front(address);
  return ip ? std::optional(to_bytes(ip_group(*ip))) : std::nullopt;
}

}  // namespace vivim::multiformats
