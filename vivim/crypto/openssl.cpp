#include "vivim/base/assert.hpp"
#include "vivim/crypto/openssl_detail.hpp"

namespace vivim::crypto::detail {

const EVP_MD* fetched_sha256() {
  static const Openssl<EVP_MD> k_digest(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  VIVIM_ASSERT(k_digest != nullptr);
  return k_digest.get();
}

const EVP_CIPHER* fetched_cipher(Aead algorithm) {
  static const Openssl<EVP_CIPHER> k_chacha(
      EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr));
  static const Openssl<EVP_CIPHER> k_aes(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
  const auto& cipher = algorithm == Aead::chacha20_poly1305 ? k_chacha : k_aes;
  VIVIM_ASSERT(cipher != nullptr);
  return cipher.get();
}

}  // namespace vivim::crypto::detail
