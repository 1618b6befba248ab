#include "vivim/libp2p/tls/context.hpp"

#include <openssl/pem.h>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/tls/context_detail.hpp"
#include "vivim/libp2p/tls/session_detail.hpp"

namespace vivim::libp2p::tls {

using detail::Openssl;

namespace {

/// Most bytes of certificates that a peer may send: OpenSSL's own default is 100 KiB.
constexpr long k_certificates_bytes_max = 32L * 1024;

/// AES-128-GCM first: with the instructions of this decade's processors it is the fastest.
constexpr const char* k_cipher_suites =
    "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";

Openssl<SSL_CTX> make_context() {
  Openssl<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  VIVIM_ASSERT(context != nullptr);
  //= tls#handshake-protocol
  // # Endpoints MUST NOT negotiate lower TLS versions.
  VIVIM_ASSERT(SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) == 1);
  VIVIM_ASSERT(SSL_CTX_set_ciphersuites(context.get(), k_cipher_suites) == 1);
  VIVIM_ASSERT(SSL_CTX_set1_groups_list(context.get(), "X25519:P-256:P-384") == 1);
  VIVIM_ASSERT(SSL_CTX_set_num_tickets(context.get(), 0) == 1);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context.get(), k_certificates_bytes_max);
  SSL_CTX_set_alpn_select_cb(context.get(), &Callbacks::select_protocol, nullptr);
  return context;
}

Openssl<BIO> text_bio(std::string_view text) {
  Openssl<BIO> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  VIVIM_ASSERT(bio != nullptr);
  return bio;
}

/// Without it OpenSSL would ask for the passphrase on the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

Openssl<X509> read_certificate(BIO* bio) {
  return Openssl<X509>(PEM_read_bio_X509(bio, nullptr, no_passphrase, nullptr));
}

bool use_chain(SSL_CTX* context, std::string_view chain_pem) {
  const auto bio = text_bio(chain_pem);
  const auto leaf = read_certificate(bio.get());
  if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return false;
  }
  while (auto next = read_certificate(bio.get())) {
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1) {
      return false;
    }
    static_cast<void>(next.release());
  }
  return true;
}

bool use_key(SSL_CTX* context, std::string_view key_pem) {
  const auto bio = text_bio(key_pem);
  const Openssl<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  return key != nullptr && SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
         SSL_CTX_check_private_key(context) == 1;
}

bool trust_given(SSL_CTX* context, std::string_view authorities_pem) {
  const auto bio = text_bio(authorities_pem);
  bool any = false;
  while (const auto certificate = read_certificate(bio.get())) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get()) != 1) {
      return false;
    }
    any = true;
  }
  return any;
}

bool apply(SSL_CTX* context, const Trust& trust) {
  if (trust.source == Trust::Source::everybody) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return true;
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return trust.source == Trust::Source::system ? SSL_CTX_set_default_verify_paths(context) == 1
                                               : trust_given(context, trust.authorities_pem);
}

}  // namespace

Context::Context(std::unique_ptr<State> state) : state_(std::move(state)) {}
Context::~Context() = default;

std::shared_ptr<const Context> Context::libp2p(const Certificate& certificate) {
  auto context = make_context();
  const BytesView key = certificate.key_pkcs8.view();
  VIVIM_ASSERT(SSL_CTX_use_certificate_ASN1(context.get(), static_cast<int>(certificate.der.size()),
                                            certificate.der.data()) == 1);
  VIVIM_ASSERT(SSL_CTX_use_PrivateKey_ASN1(EVP_PKEY_EC, context.get(), key.data(),
                                           static_cast<long>(key.size())) == 1);
  //= tls#handshake-protocol
  // # servers MUST require client authentication during the TLS handshake
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context.get(), &Callbacks::verify_libp2p, nullptr);
  return std::shared_ptr<const Context>(
      new Context(std::make_unique<State>(State{.openssl = std::move(context)})));
}

Result<std::shared_ptr<const Context>> Context::server(std::string_view chain_pem,
                                                       std::string_view key_pem) {
  auto context = make_context();
  if (!use_chain(context.get(), chain_pem) || !use_key(context.get(), key_pem)) {
    return fail(TlsError::bad_configuration, detail::take_reason());
  }
  static_cast<void>(detail::take_reason());  // the end of the text counts as an error
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  return std::shared_ptr<const Context>(
      new Context(std::make_unique<State>(State{.openssl = std::move(context)})));
}

Result<std::shared_ptr<const Context>> Context::client(const Trust& trust) {
  auto context = make_context();
  if (!apply(context.get(), trust)) {
    return fail(TlsError::bad_configuration, detail::take_reason());
  }
  static_cast<void>(detail::take_reason());
  return std::shared_ptr<const Context>(new Context(std::make_unique<State>(State{
      .openssl = std::move(context), .checks_name = trust.source != Trust::Source::everybody})));
}

}  // namespace vivim::libp2p::tls
