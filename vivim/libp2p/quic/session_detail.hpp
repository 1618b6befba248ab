#pragma once

#include <array>
#include <compare>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <sys/socket.h>

#include "vivim/libp2p/quic/byte_blocks_detail.hpp"
#include "vivim/libp2p/quic/credentials.hpp"
#include "vivim/libp2p/quic/receive_window_detail.hpp"
#include "vivim/libp2p/quic/session.hpp"
#include "vivim/rt/rng.hpp"

namespace vivim::libp2p::quic {

/// Length of the connection ids that we choose.
inline constexpr std::size_t k_cid_bytes = 8;
/// Largest datagram that a session sends: Ethernet's 1500 less the headers of IPv6 and UDP.
inline constexpr std::size_t k_datagram_sent_bytes_max = 1452;
/// What one poll_transmit writes at most: what the system takes in one call.
inline constexpr std::size_t k_transmit_bytes_max = std::size_t{64} * 1024 - 512;
inline constexpr std::size_t k_static_secret_bytes = 32;
/// CONNECTION_REFUSED (RFC 9000, 20.1).
inline constexpr std::uint64_t k_connection_refused = 2;

/// A connection id, as a key.
struct Cid {
  std::array<std::uint8_t, NGTCP2_MAX_CIDLEN> bytes{};
  std::uint8_t size = 0;

  static Cid from(BytesView view);
  static Cid from(const ngtcp2_cid& cid) { return from(BytesView(cid.data, cid.datalen)); }
  ngtcp2_cid to_ngtcp2() const;
  auto operator<=>(const Cid&) const = default;
};

/// Knows which session a connection id belongs to.
class CidTable {
 public:
  virtual ~CidTable() = default;
  /// False when it is another's already.
  virtual bool add_cid(const Cid& cid, SessionId session) = 0;
  virtual void remove_cid(const Cid& cid, SessionId session) = 0;
};

/// What the sessions of an endpoint share.
struct SessionContext {
  const SessionConfig& config;
  const Credentials& credentials;
  const CertificateVerifier& verify;
  rt::Rng& rng;
  CidTable& cids;
  BytesView reset_secret;
  /// What the windows of all sessions may still have beyond k_window_bytes_min each.
  std::uint64_t& windows_left;
};

/// The receive window that a connection begins with however little the others have left.
inline constexpr std::uint64_t k_window_bytes_min = std::uint64_t{128} * 1024;
/// The part of what is left that a connection may begin with: so many at once find enough, whose
/// peers have not shown yet that they need it.
inline constexpr std::uint64_t k_window_part = 16;

/// The library's memory of one session, counted.
class LibraryMemory {
 public:
  LibraryMemory();
  LibraryMemory(const LibraryMemory&) = delete;
  LibraryMemory& operator=(const LibraryMemory&) = delete;

  /// Valid as long as this; whatever was allocated with it is freed before.
  const ngtcp2_mem* functions() const { return &functions_; }
  /// What the library holds now, as the allocator rounds it.
  std::size_t bytes() const { return bytes_; }

 private:
  ngtcp2_mem functions_;
  std::size_t bytes_ = 0;
};

/// The library's time: not zero at the start of the clock.
inline ngtcp2_tstamp stamp(Time now) {
  return static_cast<ngtcp2_tstamp>(now.count()) + 1'000'000'000;
}
inline Time unstamp(ngtcp2_tstamp time) {
  return Time(static_cast<std::int64_t>(time)) - std::chrono::seconds(1);
}

/// A path as the library takes it.
class PathStorage {
 public:
  explicit PathStorage(const Path& path);
  const ngtcp2_path* get() const { return &path_; }

 private:
  sockaddr_storage local_{};
  sockaddr_storage remote_{};
  ngtcp2_path path_{};
};
Path to_path(const ngtcp2_path& path);

/// A stream, until both the library and its user have ended with it.
struct StreamState {
  StreamState(StreamId stream_id, ReceiveWindow receive_window, std::size_t& held)
      : id(stream_id), window(receive_window), sending(held), received(held) {}

  StreamId id;
  ReceiveWindow window;
  SendQueue sending;
  ByteBlocks received;
  std::uint64_t reset_code = 0;  ///< the peer's
  bool fin_wanted = false;
  bool fin_sent = false;
  bool fin_received = false;
  bool read_reset = false;     ///< by the peer
  bool write_refused = false;  ///< by the peer
  bool reset_here = false;
  bool ended = false;     ///< the library has forgotten it
  bool released = false;  ///< its user has
  bool queued = false;    ///< has something to send
  bool blocked = false;   ///< by the peer's window
  bool wants_room = false;
  bool told_readable = false;
  bool told_writable = false;
};

enum class SessionState : std::uint8_t { handshake, connected, closing, draining, gone };

/// What a server learns from the first packet of a connection.
struct InboundStart {
  Cid destination;  ///< what the client chose for us
  Cid source;       ///< the client's own
  Cid original;     ///< what it chose first, when we made it retry
  BytesView token;
  bool retried = false;
  std::uint32_t version = 0;
};

struct Session::Impl {
  Impl(const SessionContext& context, SessionId id, const Path& path, Time now);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // session_setup.cpp
  Result<void> start_client(std::optional<PeerId> expected, Time now);
  Result<void> start_server(const InboundStart& start, Time now);
  Result<void> start_tls(bool server);
  Cid random_cid();
  void add_cid(const Cid& cid);

  // session_callbacks.cpp
  static ngtcp2_callbacks callbacks(bool server);
  int on_handshake_completed();
  void on_stream_data(StreamState* stream, BytesView data, bool fin);
  void on_stream_ended(StreamState* stream, std::optional<std::uint64_t> code);
  static int verify_certificate(gnutls_session_t tls);
  Result<PeerId> check_certificate() const;

  // session.cpp
  void push(EventKind kind, StreamId stream = -1) { events.push_back({kind, stream}); }
  void tell_readable(StreamState& stream);
  void tell_writable(StreamState& stream);
  StreamState& add_stream(StreamId id);
  StreamState* find(StreamId id);
  void note_if_done(const StreamState& stream);
  void sweep();
  std::size_t held_bytes() const;
  void note_memory();
  void shut(StreamState& stream, std::uint64_t code, bool reading, bool writing);
  void drop_received(StreamState& stream);
  void note_read(StreamState& stream, std::uint64_t count);
  void queue(StreamState& stream);
  void end(SessionState to, const Error& why, Time until);
  void fail_with(const ngtcp2_connection_close_error& close, const Error& why, Time now);
  void on_library_error(int code, Time now);
  void on_peer_close(Time now);
  Error peer_close_reason() const;
  Time after_probes(Time now) const;
  std::size_t room(const StreamState& stream) const;
  void unblock();

  // session_transmit.cpp
  ngtcp2_ssize write_packet(ngtcp2_path_storage& path, MutableBytes into, Time now);
  ngtcp2_ssize write_stream(StreamState& stream, ngtcp2_path_storage& path, MutableBytes into,
                            Time now);
  void after_stream_write(StreamState& stream, ngtcp2_ssize result, ngtcp2_ssize taken);
  void pace(Time now);
  std::optional<Transmit> write_packets(MutableBytes buffer, Time now);

  SessionContext context;
  SessionId id;
  Path current_path;
  rt::Endpoint first_remote;
  std::optional<rt::IpAddress> asked;
  bool server = false;
  SessionState state = SessionState::handshake;
  LibraryMemory library;
  ngtcp2_conn* conn = nullptr;
  gnutls_session_t tls = nullptr;
  ngtcp2_crypto_conn_ref conn_ref{};
  std::optional<PeerId> expected;
  std::optional<PeerId> peer;
  std::optional<Error> handshake_error;
  Error error = QuicError::closed;
  std::vector<Cid> cids;
  std::size_t queues_bytes = 0;  ///< memory of all streams' queues
  std::uint64_t told_steps = 0;  ///< of it, when `memory` was pushed last
  std::map<StreamId, std::unique_ptr<StreamState>> streams;
  std::deque<StreamState*> sendable;
  std::vector<StreamState*> blocked;
  std::vector<StreamId> done;  ///< streams that both sides have ended with
  std::deque<Event> events;
  std::uint64_t first_window;         ///< of the connection, when it began
  std::uint64_t first_stream_window;  ///< and of each stream
  ReceiveWindow window;               ///< of the connection
  Time last_now;                      ///< of the last datagram
  std::size_t unacknowledged = 0;     ///< bytes in all streams' send queues
  bool wants_flushed = false;
  bool wants_retry = false;  ///< the client must prove its address first
  bool was_reset = false;    ///< by a stateless reset
  bool paced = false;        ///< the last packets that left
  Bytes held;                ///< a packet that did not fit into its batch
  Path held_path;
  Bytes close_packet;
  bool resend_close = false;
  std::uint64_t late_datagrams = 0;
  Time gone_at{};
  std::optional<Time> deadline_listed;  ///< the Endpoint's
  bool dirty = false;                   ///< the Endpoint's
  bool events_listed = false;           ///< the Endpoint's
  bool owned = true;                    ///< the Endpoint's user has not released it
  bool half_open = false;               ///< the Endpoint's
  bool proven = false;                  ///< the Endpoint's: its client is where it says, by Retry
};

}  // namespace vivim::libp2p::quic
