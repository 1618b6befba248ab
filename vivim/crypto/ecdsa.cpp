#include "vivim/crypto/ecdsa.hpp"

#include <algorithm>
#include <optional>
#include <span>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "vivim/base/assert.hpp"
#include "vivim/crypto/openssl_detail.hpp"

namespace vivim::crypto {

struct detail::EcKey {
  detail::Openssl<EVP_PKEY> openssl;
};

namespace {

struct Free {
  void operator()(EC_GROUP* group) const { EC_GROUP_free(group); }
  void operator()(EC_POINT* point) const { EC_POINT_free(point); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
  void operator()(PKCS8_PRIV_KEY_INFO* info) const { PKCS8_PRIV_KEY_INFO_free(info); }
  void operator()(OSSL_PARAM* params) const { OSSL_PARAM_free(params); }
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;
using detail::Openssl;

// SEQUENCE { SEQUENCE { id-ecPublicKey, curve }, BIT STRING }, up to the point.
constexpr std::array<std::uint8_t, 26> k_p256_prefix{
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
constexpr std::array<std::uint8_t, 23> k_secp256k1_prefix{
    0x30, 0x56, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
    0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a, 0x03, 0x42, 0x00};

BytesView spki_prefix(Curve curve) {
  return curve == Curve::p256 ? BytesView(k_p256_prefix) : BytesView(k_secp256k1_prefix);
}

/// Made once for each curve: building secp256k1 costs more than verifying with it.
const EC_GROUP* group_of(Curve curve) {
  static const Owned<EC_GROUP> k_p256(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  static const Owned<EC_GROUP> k_secp256k1(EC_GROUP_new_by_curve_name(NID_secp256k1));
  const auto& group = curve == Curve::p256 ? k_p256 : k_secp256k1;
  VIVIM_ASSERT(group != nullptr);
  return group.get();
}

/// A key of `point` (uncompressed, on the curve), with `scalar` when it signs.
Openssl<EVP_PKEY> make_key(Curve curve, BytesView point, const BIGNUM* scalar) {
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  const char* name = curve == Curve::p256 ? SN_X9_62_prime256v1 : SN_secp256k1;
  VIVIM_ASSERT(
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, name, 0) == 1);
  VIVIM_ASSERT(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                                point.data(), point.size()) == 1);
  if (scalar != nullptr) {
    VIVIM_ASSERT(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1);
  }
  const Owned<OSSL_PARAM> params(OSSL_PARAM_BLD_to_param(builder.get()));
  const Openssl<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  VIVIM_ASSERT(EVP_PKEY_fromdata_init(context.get()) == 1);
  EVP_PKEY* key = nullptr;
  const int selection = scalar != nullptr ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
  VIVIM_ASSERT(EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) == 1);
  return Openssl<EVP_PKEY>(key);
}

EcPoint uncompressed(const EC_GROUP* group, const EC_POINT* point) {
  EcPoint out;
  VIVIM_ASSERT(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out.data(),
                                  out.size(), nullptr) == out.size());
  return out;
}

/// Reads and checks a point; nothing for one that is not on the curve, or at infinity.
std::optional<EcPoint> read_point(Curve curve, BytesView bytes) {
  const bool compressed = bytes.size() == k_ec_compressed_bytes && (bytes[0] & 0xfe) == 2;
  if (!compressed && (bytes.size() != k_ec_point_bytes || bytes[0] != 4)) {
    return std::nullopt;
  }
  const EC_GROUP* group = group_of(curve);
  const Owned<EC_POINT> point(EC_POINT_new(group));
  if (EC_POINT_oct2point(group, point.get(), bytes.data(), bytes.size(), nullptr) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  return uncompressed(group, point.get());
}

/// BIP 62: of s and order - s the lower.
Bytes with_low_s(BytesView der) {
  const std::uint8_t* at = der.data();
  const Owned<ECDSA_SIG> signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  VIVIM_ASSERT(signature != nullptr);
  const BIGNUM* order = EC_GROUP_get0_order(group_of(Curve::secp256k1));
  const Openssl<BIGNUM> low(BN_dup(ECDSA_SIG_get0_s(signature.get())));
  const Openssl<BIGNUM> other(BN_new());
  VIVIM_ASSERT(BN_sub(other.get(), order, low.get()) == 1);
  if (BN_cmp(low.get(), other.get()) <= 0) {
    return to_bytes(der);
  }
  VIVIM_ASSERT(ECDSA_SIG_set0(signature.get(), BN_dup(ECDSA_SIG_get0_r(signature.get())),
                              BN_dup(other.get())) == 1);
  Bytes out(static_cast<std::size_t>(i2d_ECDSA_SIG(signature.get(), nullptr)));
  std::uint8_t* to = out.data();
  VIVIM_ASSERT(i2d_ECDSA_SIG(signature.get(), &to) == static_cast<int>(out.size()));
  return out;
}

}  // namespace

EcdsaPublicKey::EcdsaPublicKey(Curve curve, std::shared_ptr<const detail::EcKey> key)
    : key_(std::move(key)), curve_(curve) {
  std::size_t size = 0;
  VIVIM_ASSERT(EVP_PKEY_get_octet_string_param(key_->openssl.get(),
                                               OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point_.data(),
                                               point_.size(), &size) == 1 &&
               size == point_.size());
}

Result<EcdsaPublicKey> EcdsaPublicKey::from_point(Curve curve, BytesView point) {
  const auto whole = read_point(curve, point);
  if (!whole) {
    return fail(CryptoError::bad_key, point.size());
  }
  return EcdsaPublicKey(
      curve, std::make_shared<detail::EcKey>(detail::EcKey{make_key(curve, *whole, nullptr)}));
}

Result<EcdsaPublicKey> EcdsaPublicKey::from_spki(BytesView der) {
  for (const Curve curve : {Curve::p256, Curve::secp256k1}) {
    const BytesView prefix = spki_prefix(curve);
    if (der.size() == prefix.size() + k_ec_point_bytes &&
        same_bytes(der.first(prefix.size()), prefix)) {
      return from_point(curve, der.subspan(prefix.size()));
    }
  }
  return fail(CryptoError::bad_key, der.size());
}

std::array<std::uint8_t, k_ec_compressed_bytes> EcdsaPublicKey::compressed() const {
  std::array<std::uint8_t, k_ec_compressed_bytes> out;
  out[0] = static_cast<std::uint8_t>(2 + (point_.back() & 1));
  std::ranges::copy(std::span(point_).subspan(1, k_ec_scalar_bytes), out.begin() + 1);
  return out;
}

Bytes EcdsaPublicKey::spki() const {
  Bytes out = to_bytes(spki_prefix(curve_));
  append(out, point_);
  return out;
}

Result<void> EcdsaPublicKey::verify(BytesView message, BytesView signature) const {
  return detail::verify_sha256(key_->openssl.get(), message, signature);
}

Result<EcdsaKeyPair> EcdsaKeyPair::from_scalar(Curve curve, const EcScalar& scalar) {
  const EC_GROUP* group = group_of(curve);
  const Openssl<BIGNUM> number(
      BN_bin2bn(scalar.view().data(), static_cast<int>(scalar.view().size()), nullptr));
  if (BN_is_zero(number.get()) || BN_cmp(number.get(), EC_GROUP_get0_order(group)) >= 0) {
    return fail(CryptoError::bad_key, scalar.view().size());
  }
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  const Owned<EC_POINT> point(EC_POINT_new(group));
  VIVIM_ASSERT(EC_POINT_mul(group, point.get(), number.get(), nullptr, nullptr, nullptr) == 1);
  auto key = std::make_shared<detail::EcKey>(
      detail::EcKey{make_key(curve, uncompressed(group, point.get()), number.get())});
  return EcdsaKeyPair(scalar.clone(), EcdsaPublicKey(curve, std::move(key)));
}

EcdsaKeyPair EcdsaKeyPair::generate(Curve curve, const RandomSource& random) {
  for (;;) {  // a second turn is less likely than 2^-32
    if (auto pair = from_scalar(curve, random_secret<k_ec_scalar_bytes>(random))) {
      return std::move(*pair);
    }
  }
}

SecretBytes EcdsaKeyPair::pkcs8() const {
  const Owned<PKCS8_PRIV_KEY_INFO> info(EVP_PKEY2PKCS8(public_key_.key_->openssl.get()));
  VIVIM_ASSERT(info != nullptr);
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr);
  VIVIM_ASSERT(size > 0);
  SecretBytes out(static_cast<std::size_t>(size));
  std::uint8_t* at = out.writable().data();
  VIVIM_ASSERT(i2d_PKCS8_PRIV_KEY_INFO(info.get(), &at) == size);
  return out;
}

Bytes EcdsaKeyPair::sign(BytesView message) const {
  const Bytes der = detail::sign_sha256(public_key_.key_->openssl.get(), message);
  return public_key_.curve() == Curve::secp256k1 ? with_low_s(der) : der;
}

}  // namespace vivim::crypto
