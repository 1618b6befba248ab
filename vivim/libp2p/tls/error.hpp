#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::tls {

enum class TlsError {
  bad_certificate,          ///< peer: not a DER certificate of version 3; detail: its size
  certificate_missing,      ///< peer: it sent none
  certificate_chain,        ///< peer: more than one certificate; detail: how many
  certificate_early,        ///< peer: not valid yet by our clock
  certificate_expired,      ///< peer: not valid any more by our clock
  critical_extension,       ///< peer: a critical extension that is not understood; detail: which
  extension_missing,        ///< peer: no libp2p extension
  bad_extension,            ///< peer: the libp2p extension is not what specs/tls says, or is there
                            ///< twice
  bad_algorithm,            ///< peer: a key or signature algorithm that is not allowed
  bad_self_signature,       ///< peer: the certificate's key did not sign it
  bad_identity_signature,   ///< peer: the identity key did not sign the certificate's key
  wrong_peer,               ///< peer: somebody else than the expected peer answered
  untrusted,                ///< peer: its certificate is not trusted, or is for another name;
                            ///< detail: OpenSSL's X509_V_ERR code
  no_application_protocol,  ///< peer: none that we speak; or one that we did not offer
  handshake_too_large,      ///< peer: its handshake takes more than k_handshake_bytes_max
  handshake_failed,         ///< peer: it broke the handshake; detail: OpenSSL's reason
  bad_record,               ///< peer: a record that does not authenticate, or breaks the protocol;
                            ///< detail: OpenSSL's reason
  alert,                    ///< peer: it refused us, or found an error; detail: the alert (RFC 8446
                            ///< section 6)
  closed,                   ///< local: this side closed or failed already
  bad_configuration,        ///< local: a certificate, key or list of authorities that cannot be
                            ///< used; detail: OpenSSL's reason
};
const ErrorDomain& error_domain(TlsError);

}  // namespace vivim::libp2p::tls
