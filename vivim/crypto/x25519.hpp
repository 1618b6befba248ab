#pragma once

#include <array>
#include <cstdint>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/ed25519.hpp"
#include "vivim/crypto/error.hpp"
#include "vivim/crypto/random.hpp"
#include "vivim/crypto/secret.hpp"

namespace vivim::crypto {

inline constexpr std::size_t k_x25519_bytes = 32;

using X25519Secret = Secret<k_x25519_bytes>;
using X25519PublicKey = std::array<std::uint8_t, k_x25519_bytes>;
/// The raw result of a Diffie-Hellman exchange: feed it to a key derivation, never use it as a key.
using X25519Shared = Secret<k_x25519_bytes>;

/// A Diffie-Hellman key pair on Curve25519 (RFC 7748).
struct X25519KeyPair {
  X25519Secret secret;
  X25519PublicKey public_key{};

  static X25519KeyPair from_secret(X25519Secret secret);
  static X25519KeyPair generate(const RandomSource& random);
};

/// The X25519 key pair that belongs to a signing key: the clamped first half of SHA-512 of its
/// seed, which is the scalar of the Ed25519 key (RFC 8032 section 5.1.5, RFC 7748 section 4.1).
X25519KeyPair x25519_of(const Ed25519KeyPair& pair);
/// The public half of x25519_of(), from the public key alone: u = (1 + y) / (1 - y). Fails with
/// bad_key for what is no point of the main subgroup.
Result<X25519PublicKey> x25519_of(const Ed25519PublicKey& key);

/// The shared secret of our secret and their public key. Fails with low_order_point when it would
/// be all zeros.
Result<X25519Shared> x25519(const X25519Secret& secret, const X25519PublicKey& theirs);

}  // namespace vivim::crypto
