#pragma once

#include <cstdint>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/ecdsa.hpp"
#include "vivim/crypto/ed25519.hpp"
#include "vivim/crypto/rsa.hpp"
#include "vivim/crypto/secret.hpp"
#include "vivim/multiformats/error.hpp"

namespace vivim::multiformats {

/// Key types of libp2p (specs/peer-ids); `ecdsa` is P-256.
enum class KeyType : std::uint8_t { rsa = 0, ed25519 = 1, secp256k1 = 2, ecdsa = 3 };

/// Longest public key that is read: RSA with 8192 bits takes about 1 KiB.
inline constexpr std::size_t k_public_key_bytes_max = 2048;

/// A public key as libp2p exchanges it.
class PublicKey {
 public:
  PublicKey(const crypto::Ed25519PublicKey& key);  // NOLINT(google-explicit-constructor)
  PublicKey(const crypto::EcdsaPublicKey& key);    // NOLINT(google-explicit-constructor)
  PublicKey(const crypto::RsaPublicKey& key);      // NOLINT(google-explicit-constructor)
  /// Reads the protobuf encoding. Fails with too_long, or bad_key also when an Ed25519 key is not
  /// 32 bytes; other keys are parsed by verify() only.
  static Result<PublicKey> decode(BytesView bytes);

  KeyType type() const { return type_; }
  /// The key in the form that its type prescribes: RSA and ECDSA a DER SubjectPublicKeyInfo,
  /// secp256k1 the compressed point.
  const Bytes& data() const { return data_; }
  /// The deterministic protobuf encoding: type, then data.
  Bytes encode() const;
  /// Checks a signature in the form that the key's type prescribes: ECDSA in DER, RSA PKCS#1 v1.5,
  /// both over SHA-256. Fails with CryptoError::bad_signature, and for a key that is none, or not
  /// allowed, with its bad_key, key_too_weak or key_too_large.
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
