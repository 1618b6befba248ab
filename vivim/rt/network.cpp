#include "vivim/rt/network.hpp"

#include <arpa/inet.h>

#include "vivim/rt/error.hpp"

namespace vivim::rt {

IpAddress IpAddress::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  IpAddress ip;
  ip.bytes = {a, b, c, d};
  return ip;
}

Result<IpAddress> IpAddress::parse(const std::string& text) {
  IpAddress ip;
  if (::inet_pton(AF_INET, text.c_str(), ip.bytes.data()) == 1) {
    return ip;
  }
  if (::inet_pton(AF_INET6, text.c_str(), ip.bytes.data()) == 1) {
    ip.is_v6 = true;
    return ip;
  }
  return fail(RtError::bad_address);
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(is_v6 ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
  return text.data();
}

bool IpAddress::is_loopback() const {
  if (!is_v6) {
    return bytes[0] == 127;
  }
  IpAddress one;
  one.is_v6 = true;
  one.bytes[15] = 1;
  return *this == one;
}

bool IpAddress::is_unspecified() const {
  return bytes == std::array<std::uint8_t, 16>{};
}

bool IpAddress::is_multicast() const {
  return is_v6 ? bytes[0] == 0xff : (bytes[0] & 0xf0) == 0xe0;
}

std::string Endpoint::to_string() const {
  return (ip.is_v6 ? "[" + ip.to_string() + "]" : ip.to_string()) + ":" + std::to_string(port);
}

}  // namespace vivim::rt
