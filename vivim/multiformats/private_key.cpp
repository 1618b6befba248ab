#include "vivim/multiformats/private_key.hpp"

#include <algorithm>
#include <array>

namespace vivim::multiformats {
namespace {

// RFC 5915: SEQUENCE { 1, OCTET STRING of 32 bytes, [0] prime256v1, [1] BIT STRING of the point }.
constexpr std::array<std::uint8_t, 7> k_before_scalar{0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20};
constexpr std::array<std::uint8_t, 17> k_before_point{0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                                      0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
                                                      0xa1, 0x44, 0x03, 0x42, 0x00};
constexpr std::size_t k_scalar_at = k_before_scalar.size();
constexpr std::size_t k_point_at = k_scalar_at + crypto::k_ec_scalar_bytes + k_before_point.size();
constexpr std::size_t k_ec_private_bytes = k_point_at + crypto::k_ec_point_bytes;

Result<crypto::EcdsaKeyPair> parse_p256(BytesView der) {
  if (der.size() != k_ec_private_bytes || !same_bytes(der.first(k_scalar_at), k_before_scalar) ||
      !same_bytes(der.subspan(k_point_at - k_before_point.size(), k_before_point.size()),
                  k_before_point)) {
    return fail(MultiformatsError::bad_key, der.size());
  }
  const crypto::EcScalar scalar(der.subspan(k_scalar_at, crypto::k_ec_scalar_bytes));
  VIVIM_TRY(auto pair, crypto::EcdsaKeyPair::from_scalar(crypto::Curve::p256, scalar));
  if (!same_bytes(der.subspan(k_point_at), pair.public_key().point())) {
    return fail(MultiformatsError::bad_key, der.size());
  }
  return pair;
}

crypto::SecretBytes p256_data(const crypto::EcdsaKeyPair& pair) {
  crypto::SecretBytes out(k_ec_private_bytes);
  auto at = std::ranges::copy(k_before_scalar, out.writable().begin()).out;
  const auto scalar = pair.scalar();
  at = std::ranges::copy(scalar.view(), at).out;
  at = std::ranges::copy(k_before_point, at).out;
  std::ranges::copy(pair.public_key().point(), at);
  return out;
}

}  // namespace

PrivateKey::PrivateKey(crypto::Ed25519KeyPair pair)
    : pair_(std::move(pair)), public_key_(std::get<crypto::Ed25519KeyPair>(pair_).public_key()) {}
PrivateKey::PrivateKey(crypto::EcdsaKeyPair pair)
    : pair_(std::move(pair)), public_key_(std::get<crypto::EcdsaKeyPair>(pair_).public_key()) {}
PrivateKey::PrivateKey(crypto::RsaKeyPair pair)
    : pair_(std::move(pair)), public_key_(std::get<crypto::RsaKeyPair>(pair_).public_key()) {}

Result<PrivateKey> PrivateKey::parse_data(KeyType type, BytesView data) {
  if (type == KeyType::rsa) {
    VIVIM_TRY(auto pair, crypto::RsaKeyPair::from_pkcs1(data));
    return PrivateKey(std::move(pair));
  }
  if (type == KeyType::ecdsa) {
    VIVIM_TRY(auto pair, parse_p256(data));
    return PrivateKey(std::move(pair));
  }
  if (type != KeyType::secp256k1 || data.size() != crypto::k_ec_scalar_bytes) {
    return fail(MultiformatsError::bad_key, data.size());
  }
  VIVIM_TRY(auto pair,
            crypto::EcdsaKeyPair::from_scalar(crypto::Curve::secp256k1, crypto::EcScalar(data)));
  return PrivateKey(std::move(pair));
}

crypto::SecretBytes PrivateKey::data() const {
  if (const auto* rsa = std::get_if<crypto::RsaKeyPair>(&pair_)) {
    return rsa->pkcs1();
  }
  const auto& ecdsa = std::get<crypto::EcdsaKeyPair>(pair_);
  return public_key_.type() == KeyType::ecdsa ? p256_data(ecdsa)
                                              : crypto::SecretBytes(ecdsa.scalar().view());
}

Bytes PrivateKey::sign(BytesView message) const {
  return std::visit(
      [message](const auto& pair) {
        const auto signature = pair.sign(message);
        return to_bytes(BytesView(signature));
      },
      pair_);
}

}  // namespace vivim::multiformats
