#pragma once

#include <string>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/random.hpp"
#include "vivim/crypto/secret.hpp"
#include "vivim/libp2p/tls/error.hpp"
#include "vivim/multiformats/private_key.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::tls {

/// Longest certificate that is read. One of an RSA key of 8192 bits with an RSA identity as large
/// takes about 5 KiB.
inline constexpr std::size_t k_certificate_bytes_max = std::size_t{8} * 1024;

/// A certificate that proves a libp2p identity (specs/tls), and the key that it is for: P-256, made
/// for it alone. For TLS over TCP and for QUIC.
struct Certificate {
  Bytes der;
  crypto::SecretBytes key_pkcs8;  ///< PKCS#8 DER, not encrypted

  /// The certificate as PEM text.
  std::string pem() const;
  /// The private key as PEM text; the caller wipes it.
  std::string key_pem() const;
};

/// Makes a certificate for `identity`, valid from a day before `now` for a hundred years. Made once
/// per process. The signatures in it take randomness from OpenSSL beside `random`.
Certificate make_certificate(const multiformats::PrivateKey& identity,
                             const crypto::RandomSource& random, rt::WallMs now);
Certificate make_certificate(const crypto::KeyPair& identity, const crypto::RandomSource& random,
                             rt::WallMs now);

/// What the libp2p extension holds.
struct SignedKey {
  Bytes public_key;  ///< protobuf
  Bytes signature;
};

/// Reads the value of the libp2p extension: strict DER. Fails with bad_extension.
Result<SignedKey> decode_signed_key(BytesView der);
Bytes encode_signed_key(const SignedKey& key);

/// Checks a peer's certificate as specs/tls demands: version 3, self-signed by an allowed algorithm
/// (P-256, P-384, P-521, Ed25519, RSA of 2048 to 8192 bits; SHA-256 or better), valid at `now`, no
/// critical extension that is unknown, the libp2p extension once, signed by the identity. Gives the
/// identity. The caller checks that the peer sent exactly this one certificate and that the
/// handshake was signed by its key. Errors: TlsError's of certificates, MultiformatsError's and
/// CryptoError's of the identity key.
Result<multiformats::PublicKey> verify_certificate_der(BytesView der, rt::WallMs now);

}  // namespace vivim::libp2p::tls
