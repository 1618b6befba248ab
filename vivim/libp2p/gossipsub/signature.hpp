#pragma once

#include "vivim/base/result.hpp"
#include "vivim/libp2p/gossipsub/message.hpp"
#include "vivim/libp2p/gossipsub/message_id.hpp"
#include "vivim/libp2p/record/envelope.hpp"

namespace vivim::libp2p::gossipsub {

/// In front of the signed part of a message (libp2p/specs pubsub "Message Signing").
inline constexpr std::string_view k_signature_prefix = "libp2p-pubsub:";

/// Whether a message has the fields that its policy asks for, and no others. Errors: bad_sender,
/// bad_signature, not_anonymous.
Result<void> check_fields(SignaturePolicy policy, const wire::MessageView& message);

/// Checks the signature of a message by its author; `scratch` is overwritten. Errors: bad_sender
/// (also for a key that is not the author's), bad_signature.
Result<void> verify(const Message& message, Bytes& scratch);

/// The signature of `signer` over the part of a message that is signed.
Bytes sign(const record::Signer& signer, BytesView signed_part);

}  // namespace vivim::libp2p::gossipsub
