#include "vivim/sync/proof.hpp"

#include <array>

#include "vivim/base/assert.hpp"

namespace vivim::sync {

Proof make_proof(ProofRole role, const GrantSecret& secret, const ProofParties& prover,
                 const store::DocumentId& document, const store::GrantId& grant) {
  VIVIM_ASSERT(prover.own_peer.size() <= 255 && prover.other_peer.size() <= 255);
  crypto::Secret<crypto::k_sha256_bytes> key;
  crypto::hkdf(document.view(), secret.view(), as_bytes("vivim-sync-v1"), key.writable());
  const std::array own_size{static_cast<std::uint8_t>(prover.own_peer.size())};
  const std::array other_size{static_cast<std::uint8_t>(prover.other_peer.size())};
  const auto label = as_bytes(role == ProofRole::open ? "vivim-sync-open" : "vivim-sync-opened");
  return crypto::hmac_sha256(key.view(),
                             {label, own_size, prover.own_peer, other_size, prover.other_peer,
                              prover.own_nonce, prover.other_nonce, document.view(), grant.view()});
}

}  // namespace vivim::sync
