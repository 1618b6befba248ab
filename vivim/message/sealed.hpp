#pragma once

#include "vivim/crypto/random.hpp"
#include "vivim/crypto/x25519.hpp"
#include "vivim/message/frame.hpp"

/// Envelopes that only their recipient can read (docs/protocol/message.md#sealed).
namespace vivim::message {

/// What a sealed envelope is padded to a multiple of, so that its length tells little.
inline constexpr std::size_t k_padding_bytes = 512;

/// What of a mail is not sealed.
struct MailLabel {
  PeerId to;
  MessageId item;
  std::int64_t expires_ms = 0;
};

/// Seals an envelope to its recipient's identity. Errors: unknown_recipient when the id does not
/// carry an Ed25519 key, too_large.
Result<Mail> seal_mail(const MailLabel& label, BytesView envelope,
                       const crypto::RandomSource& random);

/// Opens a mail for us. Errors: malformed, CryptoError's.
Result<Bytes> open_mail(const crypto::X25519KeyPair& own, const Mail& mail);

}  // namespace vivim::message
