#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "vivim/base/assert.hpp"
#include "vivim/crypto/rsa.hpp"
#include "vivim/libp2p/tls/certificate.hpp"
#include "vivim/libp2p/tls/openssl_detail.hpp"

namespace vivim::libp2p::tls {

using detail::Openssl;

namespace {

constexpr std::string_view k_signature_prefix = "libp2p-tls-handshake:";
constexpr std::uint8_t k_octet_string = 0x04;
constexpr std::uint8_t k_sequence = 0x30;
/// 1.3.6.1.4.1.53594.1.1 in DER, without its header.
constexpr std::array<std::uint8_t, 10> k_extension_oid{0x2b, 0x06, 0x01, 0x04, 0x01,
                                                       0x83, 0xa2, 0x5a, 0x01, 0x01};

/// Takes one DER value with `tag` from the front of `in`: definite, minimal length of at most two
/// bytes. Nothing if there is none.
std::optional<BytesView> take_der(BytesView& in, std::uint8_t tag) {
  if (in.size() < 2 || in[0] != tag) {
    return std::nullopt;
  }
  std::size_t size = in[1];
  std::size_t header = 2;
  if (in[1] == 0x81 && in.size() >= 3 && in[2] >= 0x80) {
    size = in[2];
    header = 3;
  } else if (in[1] == 0x82 && in.size() >= 4 && in[2] != 0) {
    size = load_be16(in.subspan(2));
    header = 4;
  } else if (in[1] >= 0x80) {
    return std::nullopt;
  }
  if (in.size() - header < size) {
    return std::nullopt;
  }
  const BytesView value = in.subspan(header, size);
  in = in.subspan(header + size);
  return value;
}

void append_der(Bytes& out, std::uint8_t tag, BytesView value) {
  VIVIM_ASSERT(value.size() <= 0xffff);
  out.push_back(tag);
  if (value.size() > 0xff) {
    out.push_back(0x82);
    out.push_back(static_cast<std::uint8_t>(value.size() >> 8));
  } else if (value.size() >= 0x80) {
    out.push_back(0x81);
  }
  out.push_back(static_cast<std::uint8_t>(value.size()));
  append(out, value);
}

bool is_libp2p(X509_EXTENSION* extension) {
  const ASN1_OBJECT* object = X509_EXTENSION_get_object(extension);
  return same_bytes(BytesView(OBJ_get0_data(object), OBJ_length(object)), k_extension_oid);
}

/// Extensions that say what a key may be used for; check_usage looks at them.
bool is_understood(X509_EXTENSION* extension) {
  const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
  return nid == NID_key_usage || nid == NID_basic_constraints || nid == NID_ext_key_usage;
}

//= tls#peer-authentication
// # Endpoints MUST abort the connection attempt if the certificate contains critical extensions
// that # the endpoint does not understand.
Result<BytesView> find_extension(X509* certificate) {
  std::optional<BytesView> found;
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    X509_EXTENSION* extension = X509_get_ext(certificate, i);
    if (is_libp2p(extension)) {
      if (found) {
        return fail(TlsError::bad_extension, static_cast<std::uint64_t>(i));
      }
      const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
      found = BytesView(ASN1_STRING_get0_data(value),
                        static_cast<std::size_t>(ASN1_STRING_length(value)));
    } else if (X509_EXTENSION_get_critical(extension) != 0 && !is_understood(extension)) {
      return fail(TlsError::critical_extension, static_cast<std::uint64_t>(i));
    }
  }
  if (!found) {
    return fail(TlsError::extension_missing);
  }
  return *found;
}

Result<void> check_usage(X509* certificate) {
  if ((X509_get_extension_flags(certificate) & EXFLAG_INVALID) != 0) {
    return fail(TlsError::bad_certificate);
  }
  const auto usage = X509_get_key_usage(certificate);  // all bits when there is no such extension
  return (usage & KU_DIGITAL_SIGNATURE) != 0 ? Result<void>{} : fail(TlsError::bad_algorithm);
}

Result<void> check_times(X509* certificate, rt::WallMs now) {
  auto seconds = static_cast<std::time_t>(now / 1000);
  // 0 means that the time cannot be read
  const int begin = X509_cmp_time(X509_get0_notBefore(certificate), &seconds);
  const int end = X509_cmp_time(X509_get0_notAfter(certificate), &seconds);
  if (begin == 0 || end == 0) {
    return fail(TlsError::bad_certificate);
  }
  if (begin > 0) {
    return fail(TlsError::certificate_early);
  }
  return end > 0 ? Result<void>{} : fail(TlsError::certificate_expired);
}

bool is_digest_allowed(int nid) {
  return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

bool is_curve_allowed(EVP_PKEY* key) {
  std::array<char, 64> name{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1) {
    return false;
  }
  const int nid = OBJ_sn2nid(name.data());
  return nid == NID_X9_62_prime256v1 || nid == NID_secp384r1 || nid == NID_secp521r1;
}

bool is_key_allowed(EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_ED25519:
      return true;
    case EVP_PKEY_EC:
      return is_curve_allowed(key);
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return bits >= crypto::k_rsa_bits_min && bits <= crypto::k_rsa_bits_max;
    default:
      return false;
  }
}

Result<void> check_self_signature(X509* certificate) {
  int digest = NID_undef;
  int algorithm = NID_undef;
  if (X509_get_signature_info(certificate, &digest, &algorithm, nullptr, nullptr) != 1) {
    return fail(TlsError::bad_algorithm);
  }
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  const bool digest_allowed = algorithm == NID_ED25519 || is_digest_allowed(digest);
  if (key == nullptr || !digest_allowed || !is_key_allowed(key)) {
    return fail(TlsError::bad_algorithm, static_cast<std::uint64_t>(algorithm));
  }
  return X509_verify(certificate, key) == 1 ? Result<void>{} : fail(TlsError::bad_self_signature);
}

Bytes spki_of(X509* certificate) {
  X509_PUBKEY* key = X509_get_X509_PUBKEY(certificate);
  const int size = i2d_X509_PUBKEY(key, nullptr);
  Bytes out(static_cast<std::size_t>(std::max(size, 0)));
  std::uint8_t* at = out.data();
  VIVIM_ASSERT(i2d_X509_PUBKEY(key, &at) == size);
  return out;
}

Result<multiformats::PublicKey> check_identity(X509* certificate, BytesView extension) {
  VIVIM_TRY(const auto signed_key, decode_signed_key(extension));
  VIVIM_TRY(auto key, multiformats::PublicKey::decode(signed_key.public_key));
  const auto verified =
      key.verify(detail::signed_bytes(spki_of(certificate)), signed_key.signature);
  if (!verified) {
    return verified.error().is(crypto::CryptoError::bad_signature)
               ? fail(TlsError::bad_identity_signature)
               : fail(verified.error());
  }
  return key;
}

Result<multiformats::PublicKey> check_all(X509* certificate, rt::WallMs now) {
  const ASN1_BIT_STRING* issuer_id = nullptr;
  const ASN1_BIT_STRING* subject_id = nullptr;
  X509_get0_uids(certificate, &issuer_id, &subject_id);
  const bool is_version_3 = X509_get_version(certificate) == X509_VERSION_3;
  if (!is_version_3 || issuer_id != nullptr || subject_id != nullptr) {
    return fail(TlsError::bad_certificate);
  }
  VIVIM_TRY(const BytesView extension, find_extension(certificate));
  VIVIM_TRYV(check_times(certificate, now));
  VIVIM_TRYV(check_usage(certificate));
  VIVIM_TRYV(check_self_signature(certificate));
  return check_identity(certificate, extension);
}

}  // namespace

namespace detail {

Bytes signed_bytes(BytesView spki) {
  Bytes out = to_bytes(k_signature_prefix);
  append(out, spki);
  return out;
}

Result<multiformats::PublicKey> verify_certificate(X509* certificate, rt::WallMs now) {
  auto key = check_all(certificate, now);
  ERR_clear_error();
  return key;
}

std::uint64_t take_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  return static_cast<std::uint64_t>(ERR_GET_REASON(code));
}

}  // namespace detail

Result<SignedKey> decode_signed_key(BytesView der) {
  auto body = take_der(der, k_sequence);
  if (!body || !der.empty()) {
    return fail(TlsError::bad_extension, der.size());
  }
  const auto key = take_der(*body, k_octet_string);
  const auto signature = key ? take_der(*body, k_octet_string) : std::nullopt;
  if (!signature || !body->empty()) {
    return fail(TlsError::bad_extension, body->size());
  }
  return SignedKey{.public_key = to_bytes(*key), .signature = to_bytes(*signature)};
}

Bytes encode_signed_key(const SignedKey& key) {
  Bytes body;
  append_der(body, k_octet_string, key.public_key);
  append_der(body, k_octet_string, key.signature);
  Bytes out;
  append_der(out, k_sequence, body);
  return out;
}

Result<multiformats::PublicKey> verify_certificate_der(BytesView der, rt::WallMs now) {
  if (der.size() > k_certificate_bytes_max) {
    return fail(TlsError::bad_certificate, der.size());
  }
  const std::uint8_t* at = der.data();
  const Openssl<X509> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (certificate == nullptr || at != der.data() + der.size()) {
    return fail(TlsError::bad_certificate, der.size());
  }
  return detail::verify_certificate(certificate.get(), now);
}

}  // namespace vivim::libp2p::tls
