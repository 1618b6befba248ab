#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "vivim/base/bytes.hpp"
#include "vivim/libp2p/quic/error.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/rt/endpoint.hpp"

namespace vivim::libp2p::quic {

/// What ngtcp2 holds for a session at rest, which held_bytes() leaves out.
inline constexpr std::size_t k_library_resting_bytes = std::size_t{64} * 1024;
/// What a connection takes at rest beyond one over TCP, with ngtcp2 and GnuTLS. Measured (see
/// docs/limits.md).
inline constexpr std::size_t k_resting_bytes = std::size_t{68} * 1024;

using multiformats::PeerId;

/// Of a monotonic clock; passed in.
using Time = std::chrono::nanoseconds;
using StreamId = std::int64_t;
/// Names a session of an Endpoint; never used again.
using SessionId = std::uint64_t;

/// Both ends of what a datagram travels.
struct Path {
  rt::Endpoint local;
  rt::Endpoint remote;
  friend bool operator==(const Path&, const Path&) = default;
};

/// Datagrams for one path, back to back in the caller's buffer: all of `segment_bytes`, the last
/// one may be shorter.
struct Transmit {
  Path path;
  std::size_t bytes = 0;
  std::size_t segment_bytes = 0;
  /// Our address that they must come from, if the socket has several.
  std::optional<rt::IpAddress> from;
};

/// Limits and times of a connection.
struct SessionConfig {
  std::uint64_t inbound_streams_max = 256;
  /// What a peer may send before we read: it starts with the first pair and grows up to the second
  /// as the round-trip time asks for it, within the endpoint's budget.
  std::uint64_t stream_window_bytes = std::uint64_t{1024} * 1024;
  std::uint64_t connection_window_bytes = std::uint64_t{1536} * 1024;
  std::uint64_t stream_window_bytes_max = std::uint64_t{10} * 1024 * 1024;
  std::uint64_t connection_window_bytes_max = std::uint64_t{15} * 1024 * 1024;
  /// Kept of what we send until it is acknowledged, on all streams.
  std::size_t send_buffer_bytes_max = std::size_t{16} * 1024 * 1024;
  std::chrono::nanoseconds handshake_max = std::chrono::seconds(10);
  std::chrono::nanoseconds idle_max = std::chrono::seconds(30);
  std::chrono::nanoseconds keep_alive = std::chrono::seconds(15);
  /// The TLS library's priority string instead of ours; for tests of other clients' ways.
  const char* tls_priorities = nullptr;
};

enum class EventKind : std::uint8_t {
  connected,  ///< the handshake ended; peer() is known
  opened,     ///< the peer opened `stream`
  readable,   ///< `stream` has bytes, its end, or was reset
  writable,   ///< `stream` takes bytes again, or the peer wants no more
  can_open,   ///< the peer allows more streams
  flushed,    ///< all that was written has been acknowledged
  memory,     ///< held_bytes() has moved
  closed,     ///< it is over; error() says why
};

struct Event {
  EventKind kind = EventKind::closed;
  StreamId stream = -1;
};

struct ReadOutcome {
  std::size_t count = 0;
  bool at_end = false;
};

/// One QUIC connection (RFC 9000, RFC 9001), without sockets or clocks: datagrams go in and come
/// out, events say what happened. Made by an Endpoint.
class Session {
 public:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  SessionId id() const;
  bool inbound() const;
  bool connected() const;
  /// Nothing is sent or received on streams any more.
  bool closed() const;
  /// Why it was closed; QuicError::closed when we did.
  const Error& error() const;
  /// Only once connected().
  const PeerId& peer() const;
  const Path& path() const;
  /// Which of our addresses the peer last sent to, if known.
  std::optional<rt::IpAddress> asked() const;
  std::optional<std::chrono::nanoseconds> rtt() const;

  /// Errors: not_connected, too_many_streams, closed.
  Result<StreamId> open_stream();
  /// Takes what has arrived; a count of 0 that is not at the end means nothing yet. Errors:
  /// stream_reset, stream_closed (by reset()), closed.
  Result<ReadOutcome> read(StreamId stream, MutableBytes into);
  /// Takes as many bytes as there is room for; `writable` follows when it took fewer. Errors:
  /// stream_reset (the peer wants no more), stream_closed, closed.
  Result<std::size_t> write(StreamId stream, BytesView bytes);
  Result<void> close_write(StreamId stream);
  /// Ends both directions of a stream with an application code.
  void reset(StreamId stream, std::uint64_t code);
  /// Nobody uses the stream any more; what was not closed is reset.
  void release(StreamId stream);
  /// Bytes written that the peer has not acknowledged.
  std::size_t unacknowledged() const;
  /// Memory of streams and their bytes, and what the QUIC library holds beyond
  /// k_library_resting_bytes.
  std::size_t held_bytes() const;
  /// Drops what has arrived and was not read, of a connection that is closed.
  void drop_received();
  /// True when all that was written has been acknowledged; otherwise `flushed` follows.
  bool flush();

  /// Ends the connection with an application code; what was not acknowledged may be lost.
  void close(std::uint64_t code, Time now);

  std::optional<Event> poll_event();

  // For the Endpoint:
  void feed(const Path& path, BytesView datagram, Time now);
  /// Writes datagrams into `buffer` (at least k_transmit_bytes_min); none when there is nothing to
  /// send now.
  std::optional<Transmit> poll_transmit(MutableBytes buffer, Time now);
  std::optional<Time> next_deadline() const;
  void on_deadline(Time now);
  bool has_events() const;
  /// Closed, and no late datagram needs an answer any more.
  bool gone() const;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// Least size of the buffer of poll_transmit: one datagram of any size that we send.
inline constexpr std::size_t k_transmit_bytes_min = 2048;

}  // namespace vivim::libp2p::quic
