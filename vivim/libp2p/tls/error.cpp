#include "vivim/libp2p/tls/error.hpp"

#include <array>

namespace vivim::libp2p::tls {
namespace {

constexpr std::array k_infos{
    ErrorInfo{"bad_certificate", "the certificate cannot be read"},
    ErrorInfo{"certificate_missing", "the peer sent no certificate"},
    ErrorInfo{"certificate_chain", "the peer sent more than one certificate"},
    ErrorInfo{"certificate_early", "the peer's certificate is not valid yet"},
    ErrorInfo{"certificate_expired", "the peer's certificate has expired"},
    ErrorInfo{"critical_extension", "the certificate has a critical extension that is not known"},
    ErrorInfo{"extension_missing", "the certificate lacks the libp2p extension"},
    ErrorInfo{"bad_extension", "the certificate's libp2p extension cannot be read"},
    ErrorInfo{"bad_algorithm", "the certificate uses an algorithm that is not allowed"},
    ErrorInfo{"bad_self_signature", "the certificate is not signed by its own key"},
    ErrorInfo{"bad_identity_signature", "the peer's identity key did not sign its certificate"},
    ErrorInfo{"wrong_peer", "another peer than the expected one answered"},
    ErrorInfo{"untrusted", "the server's certificate is not trusted (X509 error)"},
    ErrorInfo{"no_application_protocol", "the peer speaks none of our protocols"},
    ErrorInfo{"handshake_too_large", "the handshake is larger than the limit"},
    ErrorInfo{"handshake_failed", "the TLS handshake failed (reason)"},
    ErrorInfo{"bad_record", "a TLS record is damaged (reason)"},
    ErrorInfo{"alert", "the peer ended the connection with a TLS alert"},
    ErrorInfo{"closed", "the TLS session is closed", Blame::local},
    ErrorInfo{"bad_configuration", "a certificate or key cannot be used (reason)", Blame::local},
};

}  // namespace

const ErrorDomain& error_domain(TlsError) {
  static constexpr ErrorDomain k_domain{
      "tls", [](int code) -> ErrorInfo {
        const auto index = static_cast<std::size_t>(code);
        return index < k_infos.size() ? k_infos[index]
                                      : ErrorInfo{"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::tls
