#pragma once

#include <memory>

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "vivim/base/bytes.hpp"
#include "vivim/libp2p/tls/error.hpp"
#include "vivim/multiformats/keys.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::tls::detail {

struct OpensslFree {
  void operator()(ASN1_OBJECT* object) const { ASN1_OBJECT_free(object); }
  void operator()(ASN1_OCTET_STRING* string) const { ASN1_OCTET_STRING_free(string); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <class T>
using Openssl = std::unique_ptr<T, OpensslFree>;

/// What an identity signs: a prefix and the certificate's SubjectPublicKeyInfo.
Bytes signed_bytes(BytesView spki);

/// verify_certificate_der of a certificate that was read already.
Result<multiformats::PublicKey> verify_certificate(X509* certificate, rt::WallMs now);

/// The reason of the oldest error in OpenSSL's queue, which is emptied: what stays there would be
/// taken for an error of the next call.
std::uint64_t take_reason();

}  // namespace vivim::libp2p::tls::detail
