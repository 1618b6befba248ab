#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/libp2p/gossipsub/wire.hpp"

namespace vivim::libp2p::gossipsub {

/// Who may be known to have written a message.
enum class SignaturePolicy : std::uint8_t {
  strict_sign,     ///< every message has an author, a sequence number and a signature
  strict_no_sign,  ///< no message has any of them
};

/// How the id of a message is made. A network agrees on one: peers with different ones gossip past
/// each other, and every implementation has another default.
enum class IdProfile : std::uint8_t {
  vivim,  ///< signed: author and sequence number, as go's; anonymous: 20 bytes of SHA-256 over
          ///< topic (behind its length) and data
  go,     ///< author and sequence number; anonymous: as vivim, for go's default is one id for all
  rust,   ///< the text of the author, then the sequence number in decimal; anonymous: as vivim
  js,     ///< the author's public key, then the sequence number; anonymous: SHA-256 of the data
};

/// A sequence number.
inline constexpr std::size_t k_seqno_bytes = 8;
/// Longest id that any profile makes, or that is taken from a peer.
inline constexpr std::size_t k_id_bytes_max = 128;

/// "vivim", "go", "rust", "js".
std::string_view to_string(IdProfile profile);
std::optional<IdProfile> parse_id_profile(std::string_view name);

/// Appends the id of a message. Whose author or key is none gets an id too, but no good one: its
/// signature is checked elsewhere.
void append_id(IdProfile profile, SignaturePolicy policy, const wire::MessageView& message,
               Bytes& out);

/// False when no message can have this id: the peer that told it makes ids in another way.
bool can_be_id(IdProfile profile, SignaturePolicy policy, BytesView id);

/// The profile that makes ids like this one, to say so in a warning.
std::optional<IdProfile> recognise_id(SignaturePolicy policy, BytesView id);

}  // namespace vivim::libp2p::gossipsub
