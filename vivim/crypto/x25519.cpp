#include "vivim/crypto/x25519.hpp"

#include <algorithm>

#include <sodium.h>

#include "vivim/base/assert.hpp"
#include "vivim/crypto/sodium_detail.hpp"

namespace vivim::crypto {

X25519KeyPair X25519KeyPair::from_secret(X25519Secret secret) {
  detail::sodium_ready();
  X25519KeyPair pair{.secret = std::move(secret)};
  VIVIM_ASSERT(crypto_scalarmult_base(pair.public_key.data(), pair.secret.view().data()) == 0);
  return pair;
}

X25519KeyPair X25519KeyPair::generate(const RandomSource& random) {
  return from_secret(random_secret<k_x25519_bytes>(random));
}

X25519KeyPair x25519_of(const Ed25519KeyPair& pair) {
  detail::sodium_ready();
  Secret<k_ed25519_seed_bytes + k_ed25519_public_key_bytes> expanded;
  std::ranges::copy(pair.seed().view(), expanded.writable().begin());
  std::ranges::copy(pair.public_key(), expanded.writable().begin() + k_ed25519_seed_bytes);
  X25519Secret secret;
  VIVIM_ASSERT(
      crypto_sign_ed25519_sk_to_curve25519(secret.writable().data(), expanded.view().data()) == 0);
  return X25519KeyPair::from_secret(std::move(secret));
}

Result<X25519PublicKey> x25519_of(const Ed25519PublicKey& key) {
  detail::sodium_ready();
  X25519PublicKey out;
  if (crypto_sign_ed25519_pk_to_curve25519(out.data(), key.data()) != 0) {
    return fail(CryptoError::bad_key, key.size());
  }
  return out;
}

Result<X25519Shared> x25519(const X25519Secret& secret, const X25519PublicKey& theirs) {
  detail::sodium_ready();
  X25519Shared shared;
  if (crypto_scalarmult(shared.writable().data(), secret.view().data(), theirs.data()) != 0) {
    return fail(CryptoError::low_order_point);
  }
  return shared;
}

}  // namespace vivim::crypto
