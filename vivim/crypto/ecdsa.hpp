#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/error.hpp"
#include "vivim/crypto/random.hpp"
#include "vivim/crypto/secret.hpp"

namespace vivim::crypto {

/// The two curves that libp2p identities use (SEC 2: secp256r1 and secp256k1).
enum class Curve : std::uint8_t { p256, secp256k1 };

inline constexpr std::size_t k_ec_scalar_bytes = 32;
/// A point of SEC 1 section 2.3.3: a byte for its form, then one or both coordinates.
inline constexpr std::size_t k_ec_compressed_bytes = 33;
inline constexpr std::size_t k_ec_point_bytes = 65;

/// The private number of a key pair.
using EcScalar = Secret<k_ec_scalar_bytes>;
using EcPoint = std::array<std::uint8_t, k_ec_point_bytes>;

namespace detail {
struct EcKey;
}

/// A public key for ECDSA with SHA-256 (FIPS 186-5). A value: copies share the parsed key.
class EcdsaPublicKey {
 public:
  /// Reads a point of SEC 1, compressed or not. Fails with bad_key when it is none of the curve.
  static Result<EcdsaPublicKey> from_point(Curve curve, BytesView point);
  /// Reads a DER SubjectPublicKeyInfo (RFC 5480) with a named curve and an uncompressed point, the
  /// one form that others write. Fails with bad_key.
  static Result<EcdsaPublicKey> from_spki(BytesView der);

  Curve curve() const { return curve_; }
  /// The uncompressed point.
  const EcPoint& point() const { return point_; }
  std::array<std::uint8_t, k_ec_compressed_bytes> compressed() const;
  /// The DER SubjectPublicKeyInfo with the uncompressed point.
  Bytes spki() const;

  /// Succeeds when `signature`, strict DER, is by this key over the SHA-256 of `message`; else
  /// bad_signature. Takes both signs of s.
  Result<void> verify(BytesView message, BytesView signature) const;

  friend bool operator==(const EcdsaPublicKey& a, const EcdsaPublicKey& b) {
    return a.curve_ == b.curve_ && a.point_ == b.point_;
  }

 private:
  friend class EcdsaKeyPair;
  EcdsaPublicKey(Curve curve, std::shared_ptr<const detail::EcKey> key);

  std::shared_ptr<const detail::EcKey> key_;
  EcPoint point_{};
  Curve curve_;
};

/// A signing key for ECDSA with SHA-256.
class EcdsaKeyPair {
 public:
  /// Fails with bad_key when `scalar` is 0 or not below the order of the curve.
  static Result<EcdsaKeyPair> from_scalar(Curve curve, const EcScalar& scalar);
  static EcdsaKeyPair generate(Curve curve, const RandomSource& random);

  const EcdsaPublicKey& public_key() const { return public_key_; }
  /// The bytes that make this pair again.
  EcScalar scalar() const { return scalar_.clone(); }
  /// The PKCS#8 PrivateKeyInfo (RFC 5208) in DER, as TLS libraries read it.
  SecretBytes pkcs8() const;
  /// DER, at most 72 bytes; differs from call to call. With secp256k1 s is the lower of its two
  /// values (BIP 62), which some verifiers insist on.
  Bytes sign(BytesView message) const;

 private:
  EcdsaKeyPair(EcScalar scalar, EcdsaPublicKey key)
      : scalar_(std::move(scalar)), public_key_(std::move(key)) {}

  EcScalar scalar_;
  EcdsaPublicKey public_key_;
};

}  // namespace vivim::crypto
