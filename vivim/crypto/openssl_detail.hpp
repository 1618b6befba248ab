#pragma once

#include <memory>

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/aead.hpp"

namespace vivim::crypto::detail {

struct OpensslFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
  void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
};
template <class T>
using Openssl = std::unique_ptr<T, OpensslFree>;

/// The algorithms, fetched once for the life of the program: fetching costs more than hashing 64
/// bytes.
const EVP_MD* fetched_sha256();
const EVP_CIPHER* fetched_cipher(Aead algorithm);

/// The signature by `key` over the SHA-256 digest of `message`, in the form that OpenSSL gives: DER
/// for ECDSA, PKCS#1 v1.5 for RSA.
Bytes sign_sha256(EVP_PKEY* key, BytesView message);

/// The counterpart of sign_sha256; CryptoError::bad_signature.
Result<void> verify_sha256(EVP_PKEY* key, BytesView message, BytesView signature);

}  // namespace vivim::crypto::detail
