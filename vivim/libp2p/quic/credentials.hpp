#pragma once

#include <functional>
#include <memory>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/secret.hpp"
#include "vivim/libp2p/quic/error.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::quic {

/// Our side of every handshake: a libp2p certificate and its private key, both DER (the key as
/// PKCS #8).
struct Identity {
  Bytes certificate;
  crypto::SecretBytes private_key;
};

/// Checks a peer's certificate by the rules of libp2p and says who it is.
using CertificateVerifier = std::function<Result<multiformats::PeerId>(BytesView der)>;

/// An Identity as the TLS library wants it, shared by the sessions of an Endpoint.
class Credentials {
 public:
  /// `priorities` is what the TLS library offers and accepts, instead of what libp2p wants; for
  /// tests of other clients' ways. Error: identity.
  static Result<std::unique_ptr<Credentials>> make(const Identity& identity,
                                                   const char* priorities = nullptr);
  ~Credentials();
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;

  struct Handle;
  const Handle& handle() const { return *handle_; }

 private:
  explicit Credentials(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

}  // namespace vivim::libp2p::quic
