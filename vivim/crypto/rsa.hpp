#pragma once

#include <cstdint>
#include <memory>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/error.hpp"
#include "vivim/crypto/secret.hpp"

namespace vivim::crypto {

/// Smaller keys can be broken; larger ones let a peer spend our time (CVE-2023-39533).
inline constexpr int k_rsa_bits_min = 2048;
inline constexpr int k_rsa_bits_max = 8192;

namespace detail {
struct RsaKey;
}

/// A public key for RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2). A value: copies share
/// the parsed key.
class RsaPublicKey {
 public:
  /// Reads a DER SubjectPublicKeyInfo. Fails with bad_key, also for DER that is not the canonical
  /// one, key_too_weak and key_too_large.
  static Result<RsaPublicKey> from_spki(BytesView der);

  const Bytes& spki() const { return spki_; }
  int bits() const;
  /// Succeeds when `signature` is by this key over `message`; else bad_signature.
  Result<void> verify(BytesView message, BytesView signature) const;

 private:
  friend class RsaKeyPair;
  RsaPublicKey(std::shared_ptr<const detail::RsaKey> key, Bytes spki)
      : key_(std::move(key)), spki_(std::move(spki)) {}

  std::shared_ptr<const detail::RsaKey> key_;
  Bytes spki_;
};

/// A signing key for RSASSA-PKCS1-v1_5 with SHA-256; for old identities, new ones are Ed25519.
class RsaKeyPair {
 public:
  /// Makes a key of `bits` (2048 to 8192). Slow; takes its randomness from OpenSSL.
  static RsaKeyPair generate(int bits);
  /// Reads a DER RSAPrivateKey (RFC 8017 appendix A.1.2). Fails as RsaPublicKey::from_spki, and
  /// with bad_key when its numbers do not belong together.
  static Result<RsaKeyPair> from_pkcs1(BytesView der);

  const RsaPublicKey& public_key() const { return public_key_; }
  SecretBytes pkcs1() const;
  Bytes sign(BytesView message) const;

 private:
  explicit RsaKeyPair(RsaPublicKey key) : public_key_(std::move(key)) {}

  RsaPublicKey public_key_;
};

}  // namespace vivim::crypto
