#pragma once

#include "vivim/base/result.hpp"

namespace vivim::multiformats {

enum class MultiformatsError {
  empty,              ///< peer: nothing where a value must be
  truncated,          ///< peer: the input ends inside a value; detail: where
  trailing_bytes,     ///< peer: bytes after the end of the value; detail: where
  too_long,           ///< peer: longer than the limit; detail: the length
  bad_character,      ///< peer: a character outside the alphabet; detail: where
  not_canonical,      ///< peer: another text would mean the same bytes
  unknown_base,       ///< peer: a multibase prefix that is not supported; detail: the character
  unknown_hash,       ///< peer: a hash function that is not supported; detail: its code
  bad_digest_length,  ///< peer: a digest whose length does not fit its hash; detail: the length
  bad_cid_version,    ///< peer: neither CIDv0 nor CIDv1; detail: the version
  unknown_protocol,   ///< peer: a multiaddr protocol that is not known here; detail: where
  missing_value,      ///< peer: a multiaddr protocol without its value; detail: where
  bad_value,          ///< peer: a value that its multiaddr protocol does not allow; detail: where
  no_leading_slash,   ///< peer: a multiaddr's text starts with "/"
  no_endpoint,        ///< local: the multiaddr does not begin with a host and a port
  not_a_peer_id,      ///< peer: the hash or codec is not that of a peer id; detail: its code
  bad_key,            ///< peer: not a key in libp2p's encoding; detail: its size
  unsupported_key_type,  ///< peer: the key's type cannot be used for this here; detail: KeyType
};
const ErrorDomain& error_domain(MultiformatsError);

}  // namespace vivim::multiformats
