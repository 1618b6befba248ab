#include "vivim/libp2p/gossipsub/signature.hpp"

namespace vivim::libp2p::gossipsub {

namespace {

constexpr std::size_t k_seqno_bytes = 8;

Result<multiformats::PublicKey> key_of(const Message& message, const PeerId& author) {
  if (!message.public_key().empty()) {
    auto key = multiformats::PublicKey::decode(message.public_key());
    if (!key || !author.matches(*key)) {
      return fail(GossipsubError::bad_sender);
    }
    return key;
  }
  auto key = author.public_key();
  return key ? Result<multiformats::PublicKey>(std::move(*key)) : fail(GossipsubError::bad_sender);
}

}  // namespace

Result<void> check_fields(SignaturePolicy policy, const wire::MessageView& message) {
  if (policy == SignaturePolicy::strict_no_sign) {
    const bool told = message.from || message.seqno || message.signature || message.key;
    return told ? fail(GossipsubError::not_anonymous) : Result<void>();
  }
  if (!message.from || !message.seqno || message.seqno->size() != k_seqno_bytes) {
    return fail(GossipsubError::bad_sender);
  }
  return message.signature ? Result<void>() : fail(GossipsubError::bad_signature);
}

Result<void> verify(const Message& message, Bytes& scratch) {
  const auto author = message.author();
  if (!author) {
    return fail(GossipsubError::bad_sender);
  }
  VIVIM_TRY(const auto key, key_of(message, *author));
  scratch.clear();
  append(scratch, as_bytes(k_signature_prefix));
  append(scratch, message.signed_part());
  return key.verify(scratch, message.signature()) ? Result<void>()
                                                  : fail(GossipsubError::bad_signature);
}

Bytes sign(const record::Signer& signer, BytesView signed_part) {
  Bytes bytes = to_bytes(k_signature_prefix);
  append(bytes, signed_part);
  return signer.sign(bytes);
}

}  // namespace vivim::libp2p::gossipsub
