#pragma once

#include <array>
#include <cstdint>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/error.hpp"
#include "vivim/crypto/random.hpp"
#include "vivim/crypto/secret.hpp"

namespace vivim::crypto {

inline constexpr std::size_t k_ed25519_seed_bytes = 32;
inline constexpr std::size_t k_ed25519_public_key_bytes = 32;
inline constexpr std::size_t k_ed25519_signature_bytes = 64;

using Ed25519Seed = Secret<k_ed25519_seed_bytes>;
using Ed25519PublicKey = std::array<std::uint8_t, k_ed25519_public_key_bytes>;
using Ed25519Signature = std::array<std::uint8_t, k_ed25519_signature_bytes>;

/// An Ed25519 signing key (RFC 8032) with its public key: a node's identity. The seed is what is
/// stored.
class Ed25519KeyPair {
 public:
  static Ed25519KeyPair from_seed(const Ed25519Seed& seed);
  static Ed25519KeyPair generate(const RandomSource& random);

  const Ed25519PublicKey& public_key() const { return public_key_; }
  /// The 32 bytes that make this pair again.
  Ed25519Seed seed() const;
  Ed25519Signature sign(BytesView message) const;
  Ed25519KeyPair clone() const { return from_seed(seed()); }

 private:
  Ed25519KeyPair() = default;

  Secret<k_ed25519_seed_bytes + k_ed25519_public_key_bytes> expanded_;
  Ed25519PublicKey public_key_{};
};

/// The key pair that identifies a node.
using KeyPair = Ed25519KeyPair;

/// Succeeds when `signature` is by `key` over `message`; else bad_signature (detail: its size,
/// which must be 64). Rejects non-canonical scalars and small-order keys.
Result<void> ed25519_verify(const Ed25519PublicKey& key, BytesView message, BytesView signature);

}  // namespace vivim::crypto
