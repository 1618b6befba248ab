#pragma once

#include <variant>

#include "vivim/multiformats/keys.hpp"

namespace vivim::multiformats {

/// Longest private key that is read: RSA with 8192 bits takes about 4.7 KiB.
inline constexpr std::size_t k_private_key_bytes_max = 6144;

/// A private key of any of libp2p's types, and its public key: an identity that others made, or one
/// for a test. A node's own is Ed25519.
class PrivateKey {
 public:
  explicit PrivateKey(crypto::Ed25519KeyPair pair);
  explicit PrivateKey(crypto::EcdsaKeyPair pair);
  explicit PrivateKey(crypto::RsaKeyPair pair);
  /// Reads the protobuf encoding (specs/peer-ids): Ed25519 as seed and public key, secp256k1 as 32
  /// bytes, ECDSA as the ECPrivateKey of RFC 5915, RSA as PKCS#1. Fails with too_long, bad_key
  /// (also when a public key inside does not belong to the private one), or as the key's own reader
  /// does.
  static Result<PrivateKey> decode(BytesView bytes);

  const PublicKey& public_key() const { return public_key_; }
  /// The encoding that decode reads.
  crypto::SecretBytes encode() const;
  /// A signature that public_key().verify takes.
  Bytes sign(BytesView message) const;

 private:
  static Result<PrivateKey> parse_data(KeyType type, BytesView data);
  /// The key in the form that its type prescribes; not for Ed25519.
  crypto::SecretBytes data() const;

  std::variant<crypto::Ed25519KeyPair, crypto::EcdsaKeyPair, crypto::RsaKeyPair> pair_;
  PublicKey public_key_;
};

}  // namespace vivim::multiformats
