#include "vivim/libp2p/portmap/gateway.hpp"

namespace vivim::libp2p::portmap {

bool is_public(const rt::IpAddress& ip) {
  const auto& b = ip.bytes;
  if (ip.is_v6) {
    return (b[0] & 0xe0) == 0x20;  // 2000::/3
  }
  const bool special = b[0] == 0 || b[0] == 10 || b[0] == 127 || b[0] >= 224 ||
                       (b[0] == 100 && (b[1] & 0xc0) == 64) || (b[0] == 169 && b[1] == 254) ||
                       (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168);
  return !special;
}

}  // namespace vivim::libp2p::portmap
