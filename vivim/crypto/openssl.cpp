#include <openssl/err.h>

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

Bytes sign_sha256(EVP_PKEY* key, BytesView message) {
  const Openssl<EVP_MD_CTX> context(EVP_MD_CTX_new());
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  Bytes out(size);
  VIVIM_ASSERT(EVP_DigestSignInit(context.get(), nullptr, fetched_sha256(), nullptr, key) == 1);
  VIVIM_ASSERT(EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) ==
               1);
  out.resize(size);
  return out;
}

Result<void> verify_sha256(EVP_PKEY* key, BytesView message, BytesView signature) {
  const Openssl<EVP_MD_CTX> context(EVP_MD_CTX_new());
  VIVIM_ASSERT(EVP_DigestVerifyInit(context.get(), nullptr, fetched_sha256(), nullptr, key) == 1);
  if (EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                       message.size()) != 1) {
    ERR_clear_error();  // the queue is per thread: what stays would be taken for a later error
    return fail(CryptoError::bad_signature, signature.size());
  }
  return {};
}

}  // namespace vivim::crypto::detail
