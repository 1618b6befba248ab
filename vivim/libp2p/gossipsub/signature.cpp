#include "vivim/libp2p/gossipsub/signature.hpp"

#include <algorithm>
#include <array>

#include "vivim/crypto/ed25519.hpp"

namespace vivim::libp2p::gossipsub {

namespace {

/// How the id of an Ed25519 key begins: an identity multihash of the key's protobuf.
constexpr std::array<std::uint8_t, 6> k_ed25519_id{0x00, 0x24, 0x08, 0x01, 0x12, 0x20};

/// The key within a peer id, for the ids that nearly all have: without a copy of it.
std::optional<crypto::Ed25519PublicKey> ed25519_key(BytesView peer) {
  crypto::Ed25519PublicKey key{};
  if (peer.size() != k_ed25519_id.size() + key.size() ||
      !same_bytes(peer.first(k_ed25519_id.size()), k_ed25519_id)) {
    return std::nullopt;
  }
  std::ranges::copy(peer.subspan(k_ed25519_id.size()), key.begin());
  return key;
}

Result<multiformats::PublicKey> key_of(const Message& message, const PeerId& author) {
  if (!message.public_key().empty()) {
    auto key = multiformats::PublicKey::decode(message.public_key());
    // No signature covers it, and the ids of js have it in them: as it is always written, or else
    // one message has ids without end.
    if (!key || !author.matches(*key) || !same_bytes(key->encode(), message.public_key())) {
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
  scratch.clear();
  append(scratch, as_bytes(k_signature_prefix));
  append(scratch, message.signed_part());
  Result<void> good;
  const auto inline_key = ed25519_key(message.from());
  if (inline_key && message.public_key().empty()) {
    good = crypto::ed25519_verify(*inline_key, scratch, message.signature());
  } else {
    const auto author = message.author();
    if (!author) {
      return fail(GossipsubError::bad_sender);
    }
    VIVIM_TRY(const auto key, key_of(message, *author));
    good = key.verify(scratch, message.signature());
  }
  return good ? Result<void>() : fail(GossipsubError::bad_signature);
}

Bytes sign(const record::Signer& signer, BytesView signed_part) {
  Bytes bytes = to_bytes(k_signature_prefix);
  append(bytes, signed_part);
  return signer.sign(bytes);
}

}  // namespace vivim::libp2p::gossipsub
