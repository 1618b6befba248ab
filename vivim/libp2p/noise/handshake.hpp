#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/recent.hpp"
#include "vivim/crypto/ed25519.hpp"
#include "vivim/crypto/hash.hpp"
#include "vivim/crypto/random.hpp"
#include "vivim/crypto/x25519.hpp"
#include "vivim/libp2p/noise/error.hpp"
#include "vivim/libp2p/noise/transport.hpp"
#include "vivim/libp2p/noise/xx.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/multiformats/private_key.hpp"

namespace vivim::libp2p::noise {

inline constexpr std::string_view k_protocol_id = "/noise";

/// Longest handshake message that is accepted, without its length. An RSA identity of 8192 bits
/// takes 2 KiB.
inline constexpr std::size_t k_handshake_message_max = 8192;
/// Most muxers, and certificate hashes, that a peer may list, and the longest of each.
inline constexpr std::size_t k_extension_entries_max = 32;
inline constexpr std::size_t k_extension_entry_bytes_max = 256;
/// Peers of whom is remembered that their identity signed their static key: one that comes back
/// with both is not checked again.
inline constexpr std::size_t k_proofs_max = 1024;

/// Digests of what was proven: an identity key, a static key, the signature of one over the other.
using Proofs = Recent<crypto::Sha256Digest, bool>;

/// A node's side of every handshake: a Noise static key that lives as long as the process, signed
/// once by the identity.
class Identity {
 public:
  Identity(const crypto::KeyPair& identity, const crypto::RandomSource& random);
  /// With a key of any of libp2p's types.
  Identity(const multiformats::PrivateKey& identity, const crypto::RandomSource& random);

  const multiformats::PublicKey& public_key() const { return public_key_; }
  const multiformats::PeerId& peer_id() const { return peer_id_; }
  /// What handshakes with this identity have proven.
  const Proofs& proofs() const { return *proofs_; }

 private:
  friend class Handshake;

  multiformats::PublicKey public_key_;
  multiformats::PeerId peer_id_;
  crypto::X25519KeyPair static_key_;
  Bytes signature_;
  std::shared_ptr<Proofs> proofs_ = std::make_shared<Proofs>(k_proofs_max);
};

struct HandshakeOptions {
  Role role = Role::initiator;
  /// Whom we dialled. Absent: anybody.
  std::optional<multiformats::PeerId> expected_peer;
  /// Our muxers, most wanted first; empty to leave early muxer negotiation out.
  std::vector<std::string> muxers;
  /// Multihashes of our WebTransport certificates; responder only.
  std::vector<Bytes> webtransport_certhashes;
  /// Must be the same on both sides; empty except for WebRTC and WebTransport.
  Bytes prologue;
};

/// What a finished handshake gives.
struct Session {
  multiformats::PeerId peer;
  multiformats::PublicKey key;
  /// The muxer both agreed on: the first of the initiator's that the responder has. Absent:
  /// negotiate it as usual.
  std::optional<std::string> muxer;
  std::vector<Bytes> webtransport_certhashes;
  Sender sender;
  Receiver receiver;
};

/// One libp2p Noise handshake (specs/noise) without I/O: send what `poll_transmit` gives, `feed`
/// what comes, until `done`. The first message goes without payload; identities go in the second
/// and third.
class Handshake {
 public:
  /// Takes the ephemeral key from `random`; keeps no reference to its arguments, and shares the
  /// identity's proofs.
  Handshake(const Identity& identity, HandshakeOptions options, const crypto::RandomSource& random);

  /// Takes bytes from the peer, and says how many: all, but for what follows the handshake, which
  /// belongs to the session's receiver. Fails with any NoiseError of a handshake,
  /// CryptoError::low_order_point, or a MultiformatsError of the peer's key; then the connection
  /// must be closed, and every later call fails the same way.
  Result<std::size_t> feed(BytesView in);
  /// Bytes to send now; empty when there are none. Ask again after each `feed`, also after the
  /// last.
  Bytes poll_transmit() { return std::exchange(transmit_, {}); }

  /// True when `take_session` may be called. An initiator still sends what `poll_transmit` gives.
  bool done() const { return session_.has_value(); }
  /// The session; once, when done.
  Session take_session();

 private:
  Result<void> on_message(BytesView message);
  Result<void> write_message();
  Result<void> check_payload(BytesView payload);
  Result<void> check_signature(const multiformats::PublicKey& key, BytesView signature);
  Bytes payload() const;
  void agree_on_muxer(const std::vector<std::string>& theirs);
  Result<std::size_t> consume(BytesView in);

  HandshakeOptions options_;
  Bytes identity_key_;
  Bytes identity_signature_;
  std::shared_ptr<Proofs> proofs_;
  Xx xx_;
  Bytes receive_;
  Bytes transmit_;
  std::optional<multiformats::PublicKey> remote_key_;
  std::optional<std::string> muxer_;
  std::vector<Bytes> remote_certhashes_;
  std::optional<Session> session_;
  std::optional<Error> failed_;
};

}  // namespace vivim::libp2p::noise
