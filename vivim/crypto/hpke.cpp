#include "vivim/crypto/hpke.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "vivim/crypto/hash.hpp"

namespace vivim::crypto {
namespace {

constexpr std::uint16_t k_kem_id = 0x0020;  // DHKEM(X25519, HKDF-SHA256)
constexpr std::uint16_t k_kdf_id = 0x0001;  // HKDF-SHA256
constexpr std::string_view k_version = "HPKE-v1";

std::uint16_t aead_id(Aead aead) {
  return aead == Aead::aes_256_gcm ? 0x0002 : 0x0003;
}

Bytes kem_suite() {
  Bytes suite = to_bytes("KEM");
  suite.resize(5);
  store_be16(MutableBytes(suite).subspan(3), k_kem_id);
  return suite;
}

Bytes hpke_suite(Aead aead) {
  Bytes suite = to_bytes("HPKE");
  suite.resize(10);
  store_be16(MutableBytes(suite).subspan(4), k_kem_id);
  store_be16(MutableBytes(suite).subspan(6), k_kdf_id);
  store_be16(MutableBytes(suite).subspan(8), aead_id(aead));
  return suite;
}

/// LabeledExtract and LabeledExpand (RFC 9180 section 4) of one suite.
class LabeledKdf {
 public:
  explicit LabeledKdf(Bytes suite) : suite_(std::move(suite)) {}

  Secret<k_sha256_bytes> extract(BytesView salt, std::string_view label,
                                 BytesView key_material) const {
    return hmac_sha256(salt, {as_bytes(k_version), suite_, as_bytes(label), key_material});
  }

  void expand(const Secret<k_sha256_bytes>& key, std::string_view label, BytesView info,
              MutableBytes out) const {
    Bytes labeled(2);
    store_be16(labeled, static_cast<std::uint16_t>(out.size()));
    append(labeled, as_bytes(k_version));
    append(labeled, suite_);
    append(labeled, as_bytes(label));
    append(labeled, info);
    hkdf_expand(key.view(), labeled, out);
  }

 private:
  Bytes suite_;
};

/// ExtractAndExpand (RFC 9180 section 4.1): the secret that both sides share.
Secret<k_sha256_bytes> shared_secret(const X25519Shared& exchanged, const X25519PublicKey& sender,
                                     const X25519PublicKey& recipient) {
  const LabeledKdf kdf(kem_suite());
  Bytes context(sender.begin(), sender.end());
  append(context, recipient);
  const auto key = kdf.extract({}, "eae_prk", exchanged.view());
  Secret<k_sha256_bytes> shared;
  kdf.expand(key, "shared_secret", context, shared.writable());
  return shared;
}

struct MessageKey {
  AeadKey key;
  AeadNonce nonce{};
};

/// KeySchedule (RFC 9180 section 5.1) in base mode, of the first message.
MessageKey schedule(Aead aead, const Secret<k_sha256_bytes>& shared, BytesView info) {
  constexpr std::uint8_t k_mode_base = 0;
  const LabeledKdf kdf(hpke_suite(aead));
  Bytes context{k_mode_base};
  append(context, kdf.extract({}, "psk_id_hash", {}).view());
  append(context, kdf.extract({}, "info_hash", info).view());
  const auto secret = kdf.extract(shared.view(), "secret", {});
  MessageKey out;
  kdf.expand(secret, "key", context, out.key.writable());
  kdf.expand(secret, "base_nonce", context, out.nonce);
  return out;
}

}  // namespace

Result<Bytes> hpke_seal(HpkeSuite suite, const X25519PublicKey& recipient,
                        const HpkeContext& context, BytesView plaintext,
                        const RandomSource& random) {
  const auto sender = X25519KeyPair::generate(random);
  VIVIM_TRY(const auto exchanged, x25519(sender.secret, recipient));
  const auto message =
      schedule(suite.aead, shared_secret(exchanged, sender.public_key, recipient), context.info);
  Bytes sealed(plaintext.size() + k_hpke_overhead_bytes);
  std::ranges::copy(sender.public_key, sealed.begin());
  SealingKey(suite.aead, message.key)
      .seal(message.nonce, context.associated, plaintext,
            MutableBytes(sealed).subspan(k_x25519_bytes));
  return sealed;
}

Result<Bytes> hpke_open(HpkeSuite suite, const X25519KeyPair& own, const HpkeContext& context,
                        BytesView sealed) {
  if (sealed.size() < k_hpke_overhead_bytes) {
    return fail(CryptoError::too_short, sealed.size());
  }
  X25519PublicKey sender{};
  std::ranges::copy(sealed.first(k_x25519_bytes), sender.begin());
  VIVIM_TRY(const auto exchanged, x25519(own.secret, sender));
  const auto message =
      schedule(suite.aead, shared_secret(exchanged, sender, own.public_key), context.info);
  Bytes plaintext(sealed.size() - k_hpke_overhead_bytes);
  VIVIM_TRYV(
      OpeningKey(suite.aead, message.key)
          .open(message.nonce, context.associated, sealed.subspan(k_x25519_bytes), plaintext));
  return plaintext;
}

}  // namespace vivim::crypto
