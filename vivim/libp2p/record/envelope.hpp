#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/record/error.hpp"
#include "vivim/multiformats/keys.hpp"

namespace vivim::libp2p::record {

/// Longest envelope that is read: it has to fit an identify message.
inline constexpr std::size_t k_envelope_bytes_max = 8192;

/// Who signs envelopes: a public key, and the way to its private one.
struct Signer {
  multiformats::PublicKey key;
  std::function<Bytes(BytesView)> sign;

  /// A signer that keeps a copy of `pair`.
  static Signer of(const crypto::KeyPair& pair);
};

/// Something signed (libp2p/specs RFC/0002): a payload, what type it has, and by whom.
struct Envelope {
  multiformats::PublicKey signer;
  Bytes payload_type;
  Bytes payload;
  Bytes signature;

  friend bool operator==(const Envelope&, const Envelope&) = default;
};

/// What is signed: domain, payload type and payload, each behind its length as a varint. The domain
/// itself is not in the envelope: both sides know it.
Bytes signed_bytes(std::string_view domain, BytesView payload_type, BytesView payload);

/// Signs `payload` and returns the encoded envelope.
Bytes seal(const Signer& signer, std::string_view domain, BytesView payload_type,
           BytesView payload);

Bytes encode(const Envelope& envelope);

/// Reads an envelope, without looking at the signature. Errors: too_large, malformed.
Result<Envelope> decode_envelope(BytesView bytes);

/// Reads an envelope and checks its type and signature. Errors: those of decode_envelope,
/// wrong_payload_type, bad_signature, and MultiformatsError::unsupported_key_type for a key that
/// cannot be checked.
Result<Envelope> open(BytesView bytes, std::string_view domain, BytesView payload_type);

}  // namespace vivim::libp2p::record
