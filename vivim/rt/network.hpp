#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vivim/base/result.hpp"
#include "vivim/rt/co.hpp"
#include "vivim/rt/stream.hpp"

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
  auto operator<=>(const IpAddress&) const = default;
};

struct Endpoint {
  IpAddress ip;
  std::uint16_t port = 0;

  std::string to_string() const;
  auto operator<=>(const Endpoint&) const = default;
};

/// A connected transport stream, and who is at both ends.
struct Connection {
  std::unique_ptr<Stream> stream;
  Endpoint local;
  Endpoint remote;
};

class Listener {
 public:
  virtual ~Listener() = default;
  /// The next inbound connection; RtError::closed after close().
  virtual Co<Result<Connection>> accept() = 0;
  /// Where it listens, with the port that was picked.
  virtual Endpoint local() const = 0;
  virtual void close() = 0;
};

/// TCP, or its simulation.
class Network {
 public:
  virtual ~Network() = default;
  /// Port 0 picks one.
  virtual Result<std::unique_ptr<Listener>> listen(Endpoint at) = 0;
  /// RtError::refused, unreachable or timed_out (after `timeout`).
  virtual Co<Result<Connection>> dial(Endpoint to, std::chrono::nanoseconds timeout) = 0;
  /// Ends every dial that is under way with RtError::closed: for an owner that stops.
  virtual void cancel_dials() = 0;
  /// Addresses of this machine's interfaces, for listeners on the unspecified address.
  virtual Result<std::vector<IpAddress>> interfaces() = 0;
};

}  // namespace vivim::rt
