#pragma once

#include <cstdint>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/ed25519.hpp"
#include "vivim/crypto/secret.hpp"
#include "vivim/multiformats/error.hpp"

namespace vivim::multiformats {

/// Key types of libp2p (specs/peer-ids). Only Ed25519 signs and verifies here; the others make peer
/// ids.
enum class KeyType : std::uint8_t { rsa = 0, ed25519 = 1, secp256k1 = 2, ecdsa = 3 };

/// Longest public key that is read: RSA with 8192 bits takes about 1 KiB.
inline constexpr std::size_t k_public_key_bytes_max = 2048;

/// A public key as libp2p exchanges it.
class PublicKey {
 public:
  PublicKey(const crypto::Ed25519PublicKey& key);  // NOLINT(google-explicit-constructor)
  /// Reads the protobuf encoding. Fails with too_long, or bad_key also when an Ed25519 key is not
  /// 32 bytes.
  static Result<PublicKey> decode(BytesView bytes);

  KeyType type() const { return type_; }
  /// The key in the form that its type prescribes.
  const Bytes& data() const { return data_; }
  /// The deterministic protobuf encoding: type, then data.
  Bytes encode() const;
  /// Fails with unsupported_key_type unless Ed25519, and with CryptoError::bad_signature.
  Result<void> verify(BytesView message, BytesView signature) const;

  friend bool operator==(const PublicKey&, const PublicKey&) = default;

 private:
  PublicKey(KeyType type, Bytes data) : type_(type), data_(std::move(data)) {}

  KeyType type_;
  Bytes data_;
};

/// libp2p's encoding of a private Ed25519 key: protobuf of seed and public key.
crypto::SecretBytes encode_private_key(const crypto::Ed25519KeyPair& pair);

/// Reads a private key, also in the older form that repeats the public key. Fails with bad_key when
/// the public key does not belong to the seed, and unsupported_key_type for others than Ed25519.
Result<crypto::Ed25519KeyPair> decode_private_key(BytesView bytes);

}  // namespace vivim::multiformats
