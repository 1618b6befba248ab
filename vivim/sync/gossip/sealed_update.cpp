#include "vivim/sync/gossip/sealed_update.hpp"

#include <algorithm>

#include "vivim/crypto/hash.hpp"
#include "vivim/sync/proof.hpp"

namespace vivim::sync {

namespace {

constexpr std::uint8_t k_version = 1;
constexpr std::string_view k_key_info = "vivim-gossip-v1";
constexpr std::size_t k_grant_at = 1;
constexpr std::size_t k_grant_bytes = sizeof(store::GrantId::bytes);
constexpr std::size_t k_nonce_at = k_grant_at + k_grant_bytes;
constexpr std::size_t k_sealed_at = k_nonce_at + crypto::k_aead_nonce_bytes;

}  // namespace

const ErrorDomain& error_domain(SealedUpdateError) {
  static constexpr ErrorDomain k_domain{
      "document gossip", [](int code) -> ErrorInfo {
        switch (static_cast<SealedUpdateError>(code)) {
          case SealedUpdateError::malformed:
            return {"malformed", "not an update of a document", Blame::peer};
          case SealedUpdateError::not_sealed:
            return {"not_sealed", "not sealed by a holder of the grant", Blame::peer};
          case SealedUpdateError::bad_secret:
            return {"bad_secret", "the grant has no secret", Blame::local};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

std::string gossip_topic(const store::DocumentId& document) {
  return "/vivim/crdt/" + document.to_text();
}

Result<store::GrantId> grant_of(BytesView message) {
  if (message.size() <= k_sealed_at + crypto::k_aead_tag_bytes || message[0] != k_version) {
    return fail(SealedUpdateError::malformed);
  }
  const auto grant = store::GrantId::from_bytes(message.subspan(k_grant_at, k_grant_bytes));
  return grant ? Result<store::GrantId>(*grant) : fail(SealedUpdateError::malformed);
}

Result<UpdateSeal> UpdateSeal::make(const store::DocumentId& document, const store::GrantId& grant,
                                    BytesView secret) {
  if (secret.size() != k_grant_secret_bytes) {
    return fail(SealedUpdateError::bad_secret, secret.size());
  }
  crypto::AeadKey key;
  crypto::hkdf(document.bytes, secret, as_bytes(k_key_info), key.writable());
  return UpdateSeal(document, grant, key);
}

UpdateSeal::UpdateSeal(const store::DocumentId& document, const store::GrantId& grant,
                       const crypto::AeadKey& key)
    : grant_(grant),
      topic_(gossip_topic(document)),
      sealing_(crypto::Aead::aes_256_gcm, key),
      opening_(crypto::Aead::aes_256_gcm, key) {}

Bytes UpdateSeal::seal(UpdateForm form, BytesView update, const crypto::AeadNonce& nonce) {
  Bytes plain{static_cast<std::uint8_t>(form)};
  append(plain, update);
  Bytes message{k_version};
  append(message, grant_.bytes);
  append(message, nonce);
  message.resize(k_sealed_at + plain.size() + crypto::k_aead_tag_bytes);
  sealing_.seal(nonce, as_bytes(topic_), plain, MutableBytes(message).subspan(k_sealed_at));
  return message;
}

Result<GossipedUpdate> UpdateSeal::open(BytesView message) {
  VIVIM_TRY(const auto grant, grant_of(message));
  if (grant != grant_) {
    return fail(SealedUpdateError::not_sealed);
  }
  crypto::AeadNonce nonce{};
  std::ranges::copy(message.subspan(k_nonce_at, nonce.size()), nonce.begin());
  const BytesView sealed = message.subspan(k_sealed_at);
  Bytes plain(sealed.size() - crypto::k_aead_tag_bytes);
  if (!opening_.open(nonce, as_bytes(topic_), sealed, plain)) {
    return fail(SealedUpdateError::not_sealed);
  }
  if (plain[0] > static_cast<std::uint8_t>(UpdateForm::signed_)) {
    return fail(SealedUpdateError::malformed);
  }
  return GossipedUpdate{.form = static_cast<UpdateForm>(plain[0]),
                        .bytes = {plain.begin() + 1, plain.end()}};
}

}  // namespace vivim::sync
