#include "vivim/crypto/x25519.hpp"

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

Result<X25519Shared> x25519(const X25519Secret& secret, const X25519PublicKey& theirs) {
  detail::sodium_ready();
  X25519Shared shared;
  if (crypto_scalarmult(shared.writable().data(), secret.view().data(), theirs.data()) != 0) {
    return fail(CryptoError::low_order_point);
  }
  return shared;
}

}  // namespace vivim::crypto
