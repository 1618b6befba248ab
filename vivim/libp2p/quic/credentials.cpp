#include "vivim/libp2p/quic/credentials_detail.hpp"

namespace vivim::libp2p::quic {

namespace {

gnutls_datum_t datum(BytesView bytes) {
  return {.data = const_cast<std::uint8_t*>(bytes.data()),
          .size = static_cast<unsigned>(bytes.size())};
}

}  // namespace

Credentials::Handle::~Handle() {
  if (certificate != nullptr) {
    gnutls_certificate_free_credentials(certificate);
  }
}

Credentials::Credentials(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Credentials::~Credentials() = default;

Result<std::unique_ptr<Credentials>> Credentials::make(const Identity& identity) {
  auto handle = std::make_unique<Handle>();
  int result = gnutls_certificate_allocate_credentials(&handle->certificate);
  if (result == GNUTLS_E_SUCCESS) {
    const auto certificate = datum(identity.certificate);
    const auto key = datum(identity.private_key.view());
    result = gnutls_certificate_set_x509_key_mem(handle->certificate, &certificate, &key,
                                                 GNUTLS_X509_FMT_DER);
  }
  if (result < 0) {
    return fail(QuicError::identity, static_cast<std::uint64_t>(-result));
  }
  return std::unique_ptr<Credentials>(new Credentials(std::move(handle)));
}

}  // namespace vivim::libp2p::quic
