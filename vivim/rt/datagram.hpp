#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/rt/co.hpp"
#include "vivim/rt/endpoint.hpp"

namespace vivim::rt {

/// Payload of the largest UDP datagram over IPv4.
inline constexpr std::size_t k_datagram_bytes_max = 65'507;

/// What somebody sent to a DatagramSocket.
struct Datagram {
  Endpoint remote;
  IpAddress local;  ///< which of our addresses it was sent to
  BytesView bytes;
};

/// How a DatagramSocket is opened.
struct DatagramOptions {
  /// Others may bind the same address and port (multicast services share theirs).
  bool shared = false;
  /// Longest datagram that is received; longer ones are dropped.
  std::size_t receive_bytes_max = 2048;
  /// Many datagrams in one system call, where the system can (generic segmentation and receive
  /// offload): costs memory, so only for bulk.
  bool batches = false;
  /// Never fragmented on the way, and sent however small the path is thought to be: for those who
  /// find out the path's size themselves.
  bool never_fragment = false;
  /// What the system may hold for us in each direction; 0: its default. It may grant less.
  std::size_t buffer_bytes = 0;
  /// Hops that a multicast datagram may take.
  unsigned multicast_hops = 1;
};

/// How bytes are sent.
struct SendOptions {
  /// The bytes are several datagrams of this size, the last one may be shorter; 0: they are one.
  std::size_t segment_bytes = 0;
  /// Our address that they come from, and for a multicast group the interface with it; the system
  /// picks one otherwise.
  std::optional<IpAddress> from = std::nullopt;
};

/// A UDP socket, or its simulation: datagrams may be lost, doubled and reordered. One receiver at a
/// time, any number of senders. Destroying it while an operation is pending is a programmer's error
/// (close() first).
class DatagramSocket {
 public:
  virtual ~DatagramSocket() = default;

  /// Waits for datagrams and takes what has arrived, at least one; they are valid until the next
  /// receive(). RtError::closed after close(); an unreachable peer is not an error.
  virtual Co<Result<std::span<const Datagram>>> receive() = 0;

  /// Hands datagrams to the system, waiting while its buffer is full; `bytes` must stay valid until
  /// it returns. Errors: closed, unreachable, bad_address; limit when a datagram is larger than the
  /// interface takes.
  virtual Co<Result<void>> send(Endpoint to, BytesView bytes, SendOptions options = {}) = 0;

  /// Receives what is sent to a multicast group, on the interface with this address; our own
  /// datagrams come back. Errors: bad_address, io.
  virtual Result<void> join(IpAddress group, IpAddress interface) = 0;

  /// Where it is bound, with the port that was picked.
  virtual Endpoint local() const = 0;
  /// Pending operations return RtError::closed, and so do all others. Idempotent.
  virtual void close() = 0;
};

}  // namespace vivim::rt
