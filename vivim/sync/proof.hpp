#pragma once

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/hash.hpp"
#include "vivim/crypto/secret.hpp"
#include "vivim/store/ids.hpp"
#include "vivim/sync/frame.hpp"

/// Proofs that a peer holds a grant's secret, without sending it
/// (docs/protocol/sync.md#greeting-and-proofs).
namespace vivim::sync {

inline constexpr std::size_t k_grant_secret_bytes = 32;
using GrantSecret = crypto::Secret<k_grant_secret_bytes>;
using Proof = crypto::Secret<k_proof_bytes>;

/// The two ends of a connection, as the prover sees them: its own side first.
struct ProofParties {
  BytesView own_peer;  ///< binary peer id, at most 255 bytes
  BytesView other_peer;
  BytesView own_nonce;
  BytesView other_nonce;
};

/// What is made: the opener's proof, the answer to it, or the key of the opener's state vector.
enum class ProofRole : std::uint8_t { open, opened, state };

/// HMAC-SHA256 under a key derived from the secret, over the role, both parties and what is opened.
Proof make_proof(ProofRole role, const GrantSecret& secret, const ProofParties& prover,
                 const store::DocumentId& document, const store::GrantId& grant);

/// Seals the state vector that goes with an `open`: who does not hold the grant's secret learns no
/// more of it than its size. `key` is the proof of that role, good for one session; `channel` makes
/// it good for several openings in it.
Bytes seal_state(const Proof& key, ChannelId channel, BytesView state_vector);
/// Errors: crypto's too_short and authentication_failed.
Result<Bytes> open_state(const Proof& key, ChannelId channel, BytesView sealed);

}  // namespace vivim::sync
