#pragma once

#include "vivim/libp2p/record/envelope.hpp"
#include "vivim/message/message.hpp"

/// Signed messages (docs/protocol/message.md#envelopes).
namespace vivim::message {

using libp2p::record::Signer;

/// Largest envelope that is read: payload, clock, ids, an RSA key and its signature.
inline constexpr std::size_t k_envelope_bytes_max = k_payload_bytes_max + (std::size_t{16} << 10);
/// Longest signature: RSA with 8192 bits takes 1,024 bytes.
inline constexpr std::size_t k_signature_bytes_max = 1024;

/// A message whose sender is known.
struct Opened {
  Message message;
  std::uint32_t hops = 0;  ///< how often it was passed on, as far as those who did are honest
};

/// Signs `message`, which must be of the signer. Errors: wrong_signer, too_large, and malformed for
/// values that no message may have (detail: the field's number).
Result<Bytes> seal(const Signer& signer, const Message& message);

/// Reads an envelope and checks its signature and every limit, but not times. Errors: too_large,
/// malformed, wrong_signer, bad_signature, hops_spent, clock_full.
Result<Opened> open(BytesView envelope);

/// The clocks of others may be so much ahead of ours.
inline constexpr std::chrono::milliseconds k_clock_skew_max = std::chrono::minutes(5);

/// Whether `message` is of now. Errors: expired, from_future.
Result<void> check_time(const Message& message, std::int64_t wall_now_ms);

}  // namespace vivim::message
