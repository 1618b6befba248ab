#include "vivim/libp2p/portmap/gateway.hpp"

#include "vivim/multiformats/address_scope.hpp"

namespace vivim::libp2p::portmap {

bool is_public(const rt::IpAddress& ip) {
  const BytesView bytes(ip.bytes);
  if (ip.is_v6) {
    return (bytes[0] & 0xe0) == 0x20;  // 2000::/3
  }
  return bytes[0] != 0 && bytes[0] < 224 &&
         multiformats::scope_of_ip(bytes.first(4)) == multiformats::AddressScope::global;
}

}  // namespace vivim::libp2p::portmap
