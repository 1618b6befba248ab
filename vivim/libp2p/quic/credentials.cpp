#include "vivim/libp2p/quic/credentials_detail.hpp"

namespace vivim::libp2p::quic {

namespace {

// libp2p wants TLS 1.3 alone; what the TLS library offers besides is left out (RFC 9001, 4.2).
constexpr const char* k_priorities =
    "%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3:"
    "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"
    "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1";

gnutls_datum_t datum(BytesView bytes) {
  return {.data = const_cast<std::uint8_t*>(bytes.data()),
          .size = static_cast<unsigned>(bytes.size())};
}

}  // namespace

Credentials::Handle::~Handle() {
  if (certificate != nullptr) {
    gnutls_certificate_free_credentials(certificate);
  }
  if (priorities != nullptr) {
    gnutls_priority_deinit(priorities);
  }
}

Credentials::Credentials(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Credentials::~Credentials() = default;

Result<std::unique_ptr<Credentials>> Credentials::make(const Identity& identity,
                                                       const char* priorities) {
  auto handle = std::make_unique<Handle>();
  int result = gnutls_certificate_allocate_credentials(&handle->certificate);
  if (result == GNUTLS_E_SUCCESS) {
    const auto certificate = datum(identity.certificate);
    const auto key = datum(identity.private_key.view());
    result = gnutls_certificate_set_x509_key_mem(handle->certificate, &certificate, &key,
                                                 GNUTLS_X509_FMT_DER);
  }
  if (result >= 0) {
    result = gnutls_priority_init(&handle->priorities,
                                  priorities == nullptr ? k_priorities : priorities, nullptr);
  }
  if (result < 0) {
    return fail(QuicError::identity, static_cast<std::uint64_t>(-result));
  }
  return std::unique_ptr<Credentials>(new Credentials(std::move(handle)));
}

}  // namespace vivim::libp2p::quic
