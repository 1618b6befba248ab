#pragma once

#include <cstddef>
#include <cstdint>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/aead.hpp"
#include "vivim/crypto/error.hpp"
#include "vivim/crypto/random.hpp"
#include "vivim/crypto/x25519.hpp"

/// Hybrid public key encryption, RFC 9180, in base mode and for one message at a time: whoever
/// knows a public key can seal, and only its owner can open. Who sealed is not told, and whoever
/// gets the secret key later can open what was sealed before.
namespace vivim::crypto {

/// DHKEM(X25519, HKDF-SHA256) and HKDF-SHA256, with either cipher (RFC 9180 section 7).
struct HpkeSuite {
  Aead aead = Aead::aes_256_gcm;
};

/// How much longer a sealed message is: the sender's key for this message in front, the tag behind.
inline constexpr std::size_t k_hpke_overhead_bytes = k_x25519_bytes + k_aead_tag_bytes;

/// What both sides must know alike, beside the keys.
struct HpkeContext {
  BytesView info;        ///< what this is for
  BytesView associated;  ///< what belongs to the message and is not in it
};

/// Seals `plaintext` to `recipient` (RFC 9180 section 6.1). Error: low_order_point, of a key that
/// is none.
Result<Bytes> hpke_seal(HpkeSuite suite, const X25519PublicKey& recipient,
                        const HpkeContext& context, BytesView plaintext,
                        const RandomSource& random);

/// Opens what hpke_seal() made for our key. Errors: too_short, low_order_point,
/// authentication_failed.
Result<Bytes> hpke_open(HpkeSuite suite, const X25519KeyPair& own, const HpkeContext& context,
                        BytesView sealed);

}  // namespace vivim::crypto
