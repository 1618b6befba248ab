#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/libp2p/tls/context.hpp"
#include "vivim/libp2p/tls/error.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::tls {

/// What OpenSSL holds for a session at rest, certificates included: it cannot be asked. Measured
/// (see docs/limits.md).
inline constexpr std::size_t k_library_bytes = std::size_t{57} * 1024;

/// Most bytes that a peer may send before the handshake is done.
inline constexpr std::size_t k_handshake_bytes_max = std::size_t{64} * 1024;

/// Most sealed bytes that wait in a session.
inline constexpr std::size_t k_receive_buffer_max = std::size_t{128} * 1024;

/// Most plaintext that one record carries (RFC 8446 section 5.1).
inline constexpr std::size_t k_record_plaintext_max = std::size_t{16} * 1024;

enum class Role : std::uint8_t { client, server };

struct SessionOptions {
  Role role = Role::client;
  /// Our application protocols (ALPN), most wanted first. A server takes the first of the client's
  /// that is among them.
  std::vector<std::string> protocols;
  /// The time by which certificates are judged.
  rt::WallMs now = 0;
  /// Whom we dialled; libp2p only. Absent: anybody.
  std::optional<multiformats::PeerId> expected_peer;
  /// The host name or IP address that the server's certificate must be for, sent as SNI if it is a
  /// name; only a client with an ordinary Context.
  std::string server_name;
  /// Records sent under one key before it is renewed (RFC 8446 section 5.5 allows 2^24.5 with
  /// AES-GCM).
  std::uint64_t records_per_key = std::uint64_t{1} << 24;
};

/// One TLS 1.3 connection without I/O. Until `established`: send what `poll_transmit` gives, read
/// into `prepare`, `commit`, call `advance`. Then `seal` and `next`. One thread at a time.
class Session {
 public:
  Session(std::shared_ptr<const Context> context, SessionOptions options);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Goes on with the handshake as far as the bytes that came allow; a client calls it first of
  /// all. There may be something to transmit afterwards, also when it fails: an alert. Errors:
  /// TlsError's of certificates and handshakes, and those of the identity key; every later call
  /// fails the same way.
  Result<void> advance();
  bool established() const;
  /// The application protocol that was agreed on, if any; once established.
  std::optional<std::string> protocol() const;
  /// The peer's identity; once established with a libp2p context.
  const std::optional<multiformats::PublicKey>& peer_key() const;

  /// Room for the next bytes from the peer, `wanted` of them or fewer; empty only when
  /// k_receive_buffer_max wait. Ends the life of views from `next`.
  MutableBytes prepare(std::size_t wanted = std::size_t{16} * 1024);
  /// The first `size` bytes of what `prepare` gave were filled.
  void commit(std::size_t size);
  /// Copies as much of `chunk` as there is room for, and says how much that was: `prepare` and
  /// `commit` in one.
  std::size_t feed(BytesView chunk);

  /// Bytes of handshake and alerts to send now.
  Bytes poll_transmit();

  /// The plaintext of the next records, at most 64 KiB, never empty, valid until the next call of
  /// any function but `seal`; nothing when more bytes are needed, or the peer has closed. Errors:
  /// bad_record, alert; every later call fails the same way.
  Result<std::optional<BytesView>> next();
  /// Whether the peer said that it sends no more (close_notify). A transport that ends without that
  /// was cut off.
  bool peer_closed() const;

  /// Appends `plaintext` in records to `out`: many for one write to the socket. Errors: closed, or
  /// what failed before.
  Result<void> seal(BytesView plaintext, Bytes& out);
  /// Appends close_notify to `out`: nothing is sealed any more; reading goes on. Idempotent.
  void close(Bytes& out);

  /// Gives buffers that hold nothing back, for a connection that rests; that of `prepare`, which
  /// may be read into just now, with the next `prepare`. Ends the life of views from `next`.
  void release();
  /// Memory of the buffers that grow with what comes; OpenSSL's own are not among them.
  std::size_t held_bytes() const;
  /// Sealed bytes that wait here.
  std::size_t buffered() const;

 private:
  struct State;
  friend struct Callbacks;

  std::unique_ptr<State> state_;
};

}  // namespace vivim::libp2p::tls
