#pragma once

#include <memory>

#include <openssl/evp.h>

#include "vivim/crypto/aead.hpp"

namespace vivim::crypto::detail {

struct OpensslFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
  void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
};
template <class T>
using Openssl = std::unique_ptr<T, OpensslFree>;

/// The algorithms, fetched once for the life of the program: fetching costs more than hashing 64
/// bytes.
const EVP_MD* fetched_sha256();
const EVP_CIPHER* fetched_cipher(Aead algorithm);

}  // namespace vivim::crypto::detail
