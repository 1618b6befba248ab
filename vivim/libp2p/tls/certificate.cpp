#include "vivim/libp2p/tls/certificate.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include <openssl/err.h>

#include "vivim/base/assert.hpp"
#include "vivim/crypto/ecdsa.hpp"
#include "vivim/libp2p/tls/openssl_detail.hpp"

namespace vivim::libp2p::tls {

using detail::Openssl;

namespace {

constexpr const char* k_extension_name = "1.3.6.1.4.1.53594.1.1";
constexpr auto k_valid_before = std::chrono::hours(24);
constexpr auto k_valid_after = std::chrono::hours(24) * 36525;

Openssl<EVP_PKEY> to_openssl(BytesView pkcs8) {
  const std::uint8_t* at = pkcs8.data();
  Openssl<EVP_PKEY> key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(pkcs8.size())));
  VIVIM_ASSERT(key != nullptr);
  return key;
}

void set_time(ASN1_TIME* time, std::chrono::milliseconds at) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at);
  VIVIM_ASSERT(ASN1_TIME_set(time, static_cast<std::time_t>(seconds.count())) != nullptr);
}

/// Issuer and subject: X.509 wants a name, libp2p none in particular.
void set_names(X509* certificate, std::uint64_t number) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const std::string text = std::to_string(number);
  VIVIM_ASSERT(X509_NAME_add_entry_by_txt(name, "serialNumber", MBSTRING_ASC,
                                          reinterpret_cast<const std::uint8_t*>(text.data()),
                                          static_cast<int>(text.size()), -1, 0) == 1);
  VIVIM_ASSERT(X509_set_issuer_name(certificate, name) == 1);
}

void add_extension(X509* certificate, BytesView value) {
  const Openssl<ASN1_OBJECT> object(OBJ_txt2obj(k_extension_name, 1));
  const Openssl<ASN1_OCTET_STRING> string(ASN1_OCTET_STRING_new());
  VIVIM_ASSERT(ASN1_OCTET_STRING_set(string.get(), value.data(), static_cast<int>(value.size())) ==
               1);
  const Openssl<X509_EXTENSION> extension(
      X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 0, string.get()));
  VIVIM_ASSERT(X509_add_ext(certificate, extension.get(), -1) == 1);
}

Bytes to_der(X509* certificate) {
  Bytes out(static_cast<std::size_t>(i2d_X509(certificate, nullptr)));
  std::uint8_t* at = out.data();
  VIVIM_ASSERT(i2d_X509(certificate, &at) == static_cast<int>(out.size()));
  return out;
}

std::string to_pem(std::string_view label, BytesView der) {
  constexpr std::size_t k_line_bytes = 48;
  std::string out = "-----BEGIN " + std::string(label) + "-----\n";
  while (!der.empty()) {
    const BytesView line = der.first(std::min(der.size(), k_line_bytes));
    std::array<std::uint8_t, 4 * k_line_bytes / 3 + 1> text{};
    const int size = EVP_EncodeBlock(text.data(), line.data(), static_cast<int>(line.size()));
    out += as_text(BytesView(text).first(static_cast<std::size_t>(size)));
    out += '\n';
    der = der.subspan(line.size());
  }
  return out + "-----END " + std::string(label) + "-----\n";
}

}  // namespace

std::string Certificate::pem() const {
  return to_pem("CERTIFICATE", der);
}

std::string Certificate::key_pem() const {
  return to_pem("PRIVATE KEY", key_pkcs8.view());
}

Certificate make_certificate(const multiformats::PrivateKey& identity,
                             const crypto::RandomSource& random, rt::WallMs now) {
  const auto pair = crypto::EcdsaKeyPair::generate(crypto::Curve::p256, random);
  Certificate made{.der = {}, .key_pkcs8 = pair.pkcs8()};
  const auto key = to_openssl(made.key_pkcs8.view());
  const Openssl<X509> certificate(X509_new());
  std::array<std::uint8_t, 16> numbers{};
  random(numbers);
  VIVIM_ASSERT(X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  VIVIM_ASSERT(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()),
                                       load_be64(numbers) >> 2) == 1);
  set_names(certificate.get(), load_be64(BytesView(numbers).subspan(8)) >> 2);
  set_time(X509_getm_notBefore(certificate.get()), std::chrono::milliseconds(now) - k_valid_before);
  set_time(X509_getm_notAfter(certificate.get()), std::chrono::milliseconds(now) + k_valid_after);
  VIVIM_ASSERT(X509_set_pubkey(certificate.get(), key.get()) == 1);
  const Bytes value = encode_signed_key(
      {.public_key = identity.public_key().encode(),
       .signature = identity.sign(detail::signed_bytes(pair.public_key().spki()))});
  add_extension(certificate.get(), value);
  VIVIM_ASSERT(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  made.der = to_der(certificate.get());
  return made;
}

Certificate make_certificate(const crypto::KeyPair& identity, const crypto::RandomSource& random,
                             rt::WallMs now) {
  return make_certificate(multiformats::PrivateKey(identity.clone()), random, now);
}

}  // namespace vivim::libp2p::tls
