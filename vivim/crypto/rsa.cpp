#include "vivim/crypto/rsa.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "vivim/base/assert.hpp"
#include "vivim/crypto/openssl_detail.hpp"

namespace vivim::crypto {

struct detail::RsaKey {
  detail::Openssl<EVP_PKEY> openssl;
};

namespace {

using detail::Openssl;

constexpr int k_exponent_bits_max = 32;
/// A key of k_rsa_bits_max takes less; what is larger is not even parsed.
constexpr std::size_t k_spki_bytes_max = 1200;
constexpr std::size_t k_pkcs1_bytes_max = 5000;

Bytes spki_of(EVP_PKEY* key) {
  const int size = i2d_PUBKEY(key, nullptr);
  VIVIM_ASSERT(size > 0);
  Bytes out(static_cast<std::size_t>(size));
  std::uint8_t* at = out.data();
  VIVIM_ASSERT(i2d_PUBKEY(key, &at) == size);
  return out;
}

int exponent_bits(EVP_PKEY* key) {
  BIGNUM* exponent = nullptr;
  VIVIM_ASSERT(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1);
  const Openssl<BIGNUM> owned(exponent);
  return BN_num_bits(exponent);
}

Result<void> check_size(EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < k_rsa_bits_min) {
    return fail(CryptoError::key_too_weak, static_cast<std::uint64_t>(bits));
  }
  if (bits > k_rsa_bits_max) {
    return fail(CryptoError::key_too_large, static_cast<std::uint64_t>(bits));
  }
  if (exponent_bits(key) > k_exponent_bits_max) {
    return fail(CryptoError::key_too_large, static_cast<std::uint64_t>(exponent_bits(key)));
  }
  return {};
}

}  // namespace

Result<RsaPublicKey> RsaPublicKey::from_spki(BytesView der) {
  if (der.size() > k_spki_bytes_max) {
    return fail(CryptoError::key_too_large, 8 * der.size());
  }
  const std::uint8_t* at = der.data();
  Openssl<EVP_PKEY> key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (key == nullptr || EVP_PKEY_is_a(key.get(), "RSA") != 1) {
    return fail(CryptoError::bad_key, der.size());
  }
  VIVIM_TRYV(check_size(key.get()));
  Bytes spki = spki_of(key.get());
  if (!same_bytes(spki, der)) {
    return fail(CryptoError::bad_key, der.size());
  }
  return RsaPublicKey(std::make_shared<detail::RsaKey>(detail::RsaKey{std::move(key)}),
                      std::move(spki));
}

int RsaPublicKey::bits() const {
  return EVP_PKEY_get_bits(key_->openssl.get());
}

Result<void> RsaPublicKey::verify(BytesView message, BytesView signature) const {
  return detail::verify_sha256(key_->openssl.get(), message, signature);
}

RsaKeyPair RsaKeyPair::generate(int bits) {
  VIVIM_ASSERT(bits >= k_rsa_bits_min && bits <= k_rsa_bits_max);
  Openssl<EVP_PKEY> key(EVP_RSA_gen(static_cast<unsigned>(bits)));
  VIVIM_ASSERT(key != nullptr);
  Bytes spki = spki_of(key.get());
  return RsaKeyPair(RsaPublicKey(std::make_shared<detail::RsaKey>(detail::RsaKey{std::move(key)}),
                                 std::move(spki)));
}

Result<RsaKeyPair> RsaKeyPair::from_pkcs1(BytesView der) {
  if (der.size() > k_pkcs1_bytes_max) {
    return fail(CryptoError::key_too_large, der.size());
  }
  const std::uint8_t* at = der.data();
  Openssl<EVP_PKEY> key(d2i_PrivateKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (key == nullptr || at != der.data() + der.size()) {
    return fail(CryptoError::bad_key, der.size());
  }
  VIVIM_TRYV(check_size(key.get()));
  const Openssl<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(key.get(), nullptr));
  if (EVP_PKEY_pairwise_check(context.get()) != 1) {
    ERR_clear_error();
    return fail(CryptoError::bad_key, der.size());
  }
  Bytes spki = spki_of(key.get());
  return RsaKeyPair(RsaPublicKey(std::make_shared<detail::RsaKey>(detail::RsaKey{std::move(key)}),
                                 std::move(spki)));
}

SecretBytes RsaKeyPair::pkcs1() const {
  EVP_PKEY* key = public_key_.key_->openssl.get();
  const int size = i2d_PrivateKey(key, nullptr);
  VIVIM_ASSERT(size > 0);
  SecretBytes out(static_cast<std::size_t>(size));
  std::uint8_t* at = out.writable().data();
  VIVIM_ASSERT(i2d_PrivateKey(key, &at) == size);
  return out;
}

Bytes RsaKeyPair::sign(BytesView message) const {
  return detail::sign_sha256(public_key_.key_->openssl.get(), message);
}

}  // namespace vivim::crypto
