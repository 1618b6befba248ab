#pragma once

#include <cstddef>
#include <cstdint>

#include "vivim/base/bytes.hpp"
#include "vivim/base/error.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/multiformats/private_key.hpp"

/// Signed updates (docs/protocol/envelope.md).
namespace vivim::crdt {

/// Largest update in an envelope, and largest signature; a key is bounded by multiformats.
inline constexpr std::size_t k_signed_update_bytes_max = std::size_t{8} << 20;
inline constexpr std::size_t k_signature_bytes_max = 2048;

/// What is wrong with an envelope, besides what its key, its signature or its update may have.
enum class EnvelopeError {
  bad_version,     ///< of a later version (peer); detail: the version
  too_large,       ///< a part of it is longer than its limit (peer); detail: its size
  foreign_client,  ///< a struct in it is of a client id that is not its author's (peer); detail:
                   ///< the id
};
const ErrorDomain& error_domain(EnvelopeError);

/// A key's writing on one document in one session of a program: that makes a client id.
struct Author {
  BytesView document;         ///< the document's id, as bytes
  std::uint64_t session = 0;  ///< random for each session, up to 2^53 - 1
};

/// The client id of a key in that session: 53 bits of a hash, never 0. Nobody can take another's
/// without finding a key or session that hashes to it.
ClientId client_of(const multiformats::PublicKey& key, const Author& author);

/// An update v1 whose author is known.
struct SignedUpdate {
  multiformats::PublicKey key;
  std::uint64_t session = 0;
  ClientId client{};
  BytesView update;  ///< borrows from the envelope
};

/// Puts `update`, of client_of(key, author), into a signed envelope. Errors: as open_envelope(),
/// but for the signature.
Result<Bytes> seal(const multiformats::PrivateKey& key, const Author& author, BytesView update);

/// Reads an envelope for the document of that id, and checks it: the signature, and that every
/// struct is of the author's client id. Deletions may be of anything. Errors: EnvelopeError,
/// CrdtError, and those of keys and signatures; all are the peer's.
Result<SignedUpdate> open_envelope(BytesView document, BytesView envelope);

}  // namespace vivim::crdt
