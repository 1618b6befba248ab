#include <algorithm>
#include <cstring>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/tls/session_detail.hpp"

namespace vivim::libp2p::tls {
namespace {

struct MethodFree {
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
};

int alert_for(const Error& error) {
  if (error.is(TlsError::certificate_expired) || error.is(TlsError::certificate_early)) {
    return X509_V_ERR_CERT_HAS_EXPIRED;
  }
  return X509_V_ERR_CERT_REJECTED;
}

}  // namespace

Session::State& Callbacks::state_of(const SSL* ssl) {
  auto* state = static_cast<Session::State*>(SSL_get_app_data(ssl));
  VIVIM_ASSERT(state != nullptr);
  return *state;
}

int Callbacks::bio_read(BIO* bio, char* into, int size) {
  auto& state = *static_cast<Session::State*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (state.begin == state.end || size <= 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const auto count = std::min(static_cast<std::size_t>(size), state.end - state.begin);
  std::memcpy(into, state.sealed.data() + state.begin, count);
  state.begin += count;
  return static_cast<int>(count);
}

int Callbacks::bio_write(BIO* bio, const char* bytes, int size) {
  auto& state = *static_cast<Session::State*>(BIO_get_data(bio));
  append(*state.sink, as_bytes({bytes, static_cast<std::size_t>(size)}));
  return size;
}

long Callbacks::bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

detail::Openssl<BIO> Callbacks::make_bio(Session::State& state) {
  static const std::unique_ptr<BIO_METHOD, MethodFree> k_method = [] {
    std::unique_ptr<BIO_METHOD, MethodFree> method(
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "vivim"));
    VIVIM_ASSERT(method != nullptr);
    BIO_meth_set_read(method.get(), bio_read);
    BIO_meth_set_write(method.get(), bio_write);
    BIO_meth_set_ctrl(method.get(), bio_control);
    return method;
  }();
  detail::Openssl<BIO> bio(BIO_new(k_method.get()));
  VIVIM_ASSERT(bio != nullptr);
  BIO_set_data(bio.get(), &state);
  BIO_set_init(bio.get(), 1);
  return bio;
}

// The client's order decides (specs/connections, inlined muxer negotiation: the initiator's).
int Callbacks::select_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                               const unsigned char* in, unsigned in_size, void*) {
  const auto& ours = state_of(ssl).options.protocols;
  if (ours.empty()) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  for (BytesView offered(in, in_size); !offered.empty();) {
    const std::size_t size = offered[0];
    if (offered.size() - 1 < size) {
      break;
    }
    const BytesView name = offered.subspan(1, size);
    if (std::ranges::find(ours, as_text(name)) != ours.end()) {
      *out = name.data();
      *out_size = static_cast<unsigned char>(size);
      return SSL_TLSEXT_ERR_OK;
    }
    offered = offered.subspan(1 + size);
  }
  //= tls#alpn
  // # The server MUST abort the handshake if it doesn't support any of the application protocols
  // # offered by the client.
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int Callbacks::verify_libp2p(X509_STORE_CTX* store, void*) {
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto& state = state_of(ssl);
  const auto verify = [&]() -> Result<multiformats::PublicKey> {
    //= tls#peer-authentication
    // # Endpoints MUST abort the connection attempt if more than one certificate is received
    const int count = sk_X509_num(X509_STORE_CTX_get0_untrusted(store));
    if (count != 1) {
      return fail(TlsError::certificate_chain, static_cast<std::uint64_t>(count));
    }
    VIVIM_TRY(auto key,
              detail::verify_certificate(X509_STORE_CTX_get0_cert(store), state.options.now));
    const auto& expected = state.options.expected_peer;
    return !expected || expected->matches(key) ? Result<multiformats::PublicKey>(std::move(key))
                                               : fail(TlsError::wrong_peer);
  };
  auto key = verify();
  if (!key) {
    state.refused = key.error();
    X509_STORE_CTX_set_error(store, alert_for(key.error()));
    return 0;
  }
  state.peer_key = std::move(*key);
  return 1;
}

}  // namespace vivim::libp2p::tls
