#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "vivim/base/result.hpp"
#include "vivim/rt/co.hpp"
#include "vivim/rt/datagram.hpp"
#include "vivim/rt/endpoint.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::rt {

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

/// TCP and UDP, or their simulation.
class Network {
 public:
  virtual ~Network() = default;
  /// Port 0 picks one.
  virtual Result<std::unique_ptr<Listener>> listen(Endpoint at) = 0;
  /// RtError::refused, unreachable or timed_out (after `timeout`).
  virtual Co<Result<Connection>> dial(Endpoint to, std::chrono::nanoseconds timeout) = 0;
  /// dial() from this local end, which may be one that a listener of this network has, so that a
  /// NAT shows both at the same place. Two ends that dial each other at once meet in one
  /// connection. RtError::address_in_use or bad_address when it cannot be used (as when there is a
  /// connection between these two ends already).
  virtual Co<Result<Connection>> dial_from(Endpoint from, Endpoint to,
                                           std::chrono::nanoseconds timeout) = 0;
  /// Ends every dial that is under way with RtError::closed: for an owner that stops.
  virtual void cancel_dials() = 0;
  /// A UDP socket; port 0 picks one. Errors: address_in_use, bad_address, limit.
  virtual Result<std::unique_ptr<DatagramSocket>> open_datagram(Endpoint at,
                                                                DatagramOptions options) = 0;
  /// Addresses of this machine's interfaces, for listeners on the unspecified address.
  virtual Result<std::vector<IpAddress>> interfaces() = 0;
};

}  // namespace vivim::rt
