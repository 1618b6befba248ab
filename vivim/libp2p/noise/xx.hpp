#pragma once

#include <cstdint>
#include <optional>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/aead.hpp"
#include "vivim/crypto/hash.hpp"
#include "vivim/crypto/x25519.hpp"
#include "vivim/libp2p/noise/error.hpp"

namespace vivim::libp2p::noise {

enum class Role : std::uint8_t { initiator, responder };

/// The nonce of message number `counter` (Noise section 12.3: four zeros, then little-endian).
crypto::AeadNonce nonce_of(std::uint64_t counter);

/// The keys of the two directions once a handshake is done.
struct TransportKeys {
  crypto::AeadKey send;
  crypto::AeadKey receive;
};

/// Noise's SymmetricState (section 5.2) for 25519, ChaChaPoly, SHA256: chaining key, hash, and the
/// current cipher.
class SymmetricState {
 public:
  SymmetricState();

  void mix_hash(BytesView data);
  void mix_key(const crypto::X25519Shared& shared);
  /// Appends `plaintext`, sealed once there is a key, to `out`.
  void encrypt_and_hash(BytesView plaintext, Bytes& out);
  /// Opens `message`. Fails with message_too_short or cannot_decrypt.
  Result<Bytes> decrypt_and_hash(BytesView message);
  bool has_key() const { return has_key_; }
  const crypto::Sha256Digest& hash() const { return hash_; }
  /// Ends the handshake.
  TransportKeys split(Role role) const;

 private:
  crypto::AeadKey chaining_key_;
  crypto::Sha256Digest hash_;
  crypto::AeadKey key_;
  std::uint64_t counter_ = 0;
  bool has_key_ = false;
};

/// What one side of an XX handshake starts from. Both key pairs must be fresh randomness, except in
/// tests.
struct XxOptions {
  Role role = Role::initiator;
  crypto::X25519KeyPair static_key;
  crypto::X25519KeyPair ephemeral_key;
  BytesView prologue;
};

/// The bare pattern Noise_XX_25519_ChaChaPoly_SHA256 (-> e; <- e, ee, s, es; -> s, se) with any
/// payloads. Knows nothing of frames or of libp2p. After an error it must be dropped.
class Xx {
 public:
  explicit Xx(XxOptions options);

  bool my_turn() const;
  bool finished() const { return message_ == 3; }
  /// The number of the next message: 0, 1, 2; 3 when finished.
  int next_message() const { return message_; }
  /// Appends the next message, which must be ours, to `out`. Fails with
  /// CryptoError::low_order_point.
  Result<void> write(BytesView payload, Bytes& out);
  /// Reads the next message, which must be theirs; gives its payload. Fails with message_too_short,
  /// cannot_decrypt or CryptoError::low_order_point.
  Result<Bytes> read(BytesView message);

  /// Their static key, known once their `s` was read.
  const crypto::X25519PublicKey& remote_static() const { return remote_static_; }
  const crypto::Sha256Digest& hash() const { return symmetric_.hash(); }
  /// The keys for what follows; only when finished.
  TransportKeys split() const;

 private:
  Result<void> mix_dh(const crypto::X25519KeyPair& ours, const crypto::X25519PublicKey& theirs);
  Result<void> read_ephemeral(BytesView& message);
  Result<void> read_static(BytesView& message);

  XxOptions options_;
  SymmetricState symmetric_;
  crypto::X25519PublicKey remote_ephemeral_{};
  crypto::X25519PublicKey remote_static_{};
  int message_ = 0;
};

}  // namespace vivim::libp2p::noise
