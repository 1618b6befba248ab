#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "vivim/base/result.hpp"

namespace vivim::rt {

/// An IP address: four bytes of IPv4 or sixteen of IPv6, network order.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v6 = false;

  static IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
  /// Parses "127.0.0.1" or "::1"; RtError::bad_address otherwise.
  static Result<IpAddress> parse(const std::string& text);
  std::string to_string() const;
  bool is_loopback() const;
  bool is_unspecified() const;
  bool is_multicast() const;
  auto operator<=>(const IpAddress&) const = default;
};

struct Endpoint {
  IpAddress ip;
  std::uint16_t port = 0;

  std::string to_string() const;
  auto operator<=>(const Endpoint&) const = default;
};

}  // namespace vivim::rt
