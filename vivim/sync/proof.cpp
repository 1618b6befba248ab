#include "vivim/sync/proof.hpp"

#include <algorithm>
#include <array>

#include "vivim/base/assert.hpp"
#include "vivim/crypto/aead.hpp"

namespace vivim::sync {

namespace {

BytesView label_of(ProofRole role) {
  switch (role) {
    case ProofRole::open:
      return as_bytes("vivim-sync-open");
    case ProofRole::opened:
      return as_bytes("vivim-sync-opened");
    case ProofRole::state:
      break;
  }
  return as_bytes("vivim-sync-state");
}

// A channel number is not used again on its stream, nor the key on another.
crypto::AeadNonce nonce_of(ChannelId channel) {
  crypto::AeadNonce nonce{};
  for (std::size_t i = 0; i < sizeof(std::uint32_t); ++i) {
    nonce[nonce.size() - 1 - i] = static_cast<std::uint8_t>(value_of(channel) >> (8 * i));
  }
  return nonce;
}

}  // namespace

Proof make_proof(ProofRole role, const GrantSecret& secret, const ProofParties& prover,
                 const store::DocumentId& document, const store::GrantId& grant) {
  VIVIM_ASSERT(prover.own_peer.size() <= 255 && prover.other_peer.size() <= 255);
  crypto::Secret<crypto::k_sha256_bytes> key;
  crypto::hkdf(document.view(), secret.view(), as_bytes("vivim-sync-v1"), key.writable());
  const std::array own_size{static_cast<std::uint8_t>(prover.own_peer.size())};
  const std::array other_size{static_cast<std::uint8_t>(prover.other_peer.size())};
  return crypto::hmac_sha256(
      key.view(), {label_of(role), own_size, prover.own_peer, other_size, prover.other_peer,
                   prover.own_nonce, prover.other_nonce, document.view(), grant.view()});
}

Bytes seal_state(const Proof& key, ChannelId channel, BytesView state_vector) {
  Bytes sealed(state_vector.size() + crypto::k_aead_tag_bytes);
  crypto::SealingKey(crypto::Aead::aes_256_gcm, key)
      .seal(nonce_of(channel), {}, state_vector, sealed);
  return sealed;
}

Result<Bytes> open_state(const Proof& key, ChannelId channel, BytesView sealed) {
  Bytes state_vector(sealed.size() - std::min(sealed.size(), crypto::k_aead_tag_bytes));
  VIVIM_TRYV(crypto::OpeningKey(crypto::Aead::aes_256_gcm, key)
                 .open(nonce_of(channel), {}, sealed, state_vector));
  return state_vector;
}

}  // namespace vivim::sync
