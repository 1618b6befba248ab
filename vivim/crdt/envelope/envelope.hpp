#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "vivim/base/bytes.hpp"
#include "vivim/base/error.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/update_extent.hpp"
#include "vivim/multiformats/private_key.hpp"

/// Signed updates (docs/protocol/envelope.md).
namespace vivim::crdt {

/// Largest update in an envelope (as of a store), and largest signature; a key is bounded by
/// multiformats.
inline constexpr std::size_t k_signed_update_bytes_max = std::size_t{64} << 20;
inline constexpr std::size_t k_signature_bytes_max = 2048;

/// Client ids below this are those that Yjs draws at random; ids that belong to a key are not.
inline constexpr std::uint64_t k_random_clients = std::uint64_t{1} << 32;

/// What is wrong with an envelope, besides what its key, its signature or its update may have.
enum class EnvelopeError {
  bad_version,     ///< of a later version (peer); detail: the version
  too_large,       ///< a part of it is longer than its limit (peer); detail: its size
  foreign_client,  ///< a struct in it is of a client id that is not its author's, or in one of a
                   ///< host, of an id that belongs to a key (peer); detail: the id
};
const ErrorDomain& error_domain(EnvelopeError);

/// A key's writing on one document in one session of a program: that makes a client id.
struct Author {
  BytesView document;         ///< the document's id, as bytes
  std::uint64_t session = 0;  ///< random for each session, up to 2^53 - 1
};

/// The client id of a key in that session: 53 bits of a hash, never below k_random_clients. Nobody
/// can take another's without finding a key or session that hashes to it.
ClientId client_of(const multiformats::PublicKey& key, const Author& author);

/// An update v1 whose author is known.
struct SignedUpdate {
  /// Client ids that are the key's by their making.
  struct Own {
    std::uint64_t session = 0;
    ClientId client{};
  };
  /// Client ids below k_random_clients, of programs without a key: the key vouches for them.
  struct Hosted {};

  multiformats::PublicKey key;
  std::variant<Own, Hosted> ids;
  UpdateExtent extent;  ///< whose operations are in it
  BytesView update;     ///< borrows from the envelope
};

/// Puts `update`, of client_of(key, author), into a signed envelope. Errors: as open_envelope(),
/// but for the signature.
Result<Bytes> seal(const multiformats::PrivateKey& key, const Author& author, BytesView update);

/// Puts `update`, which programs without a key have written, into an envelope of their host's.
/// Errors: as seal().
Result<Bytes> seal_hosted(const multiformats::PrivateKey& key, BytesView document,
                          BytesView update);

/// Reads an envelope for the document of that id, and checks it: the signature, and that every
/// struct is of a client id that the envelope may hold. Deletions may be of anything. Errors:
/// EnvelopeError, CrdtError, and those of keys and signatures; all are the peer's.
Result<SignedUpdate> open_envelope(BytesView document, BytesView envelope);

}  // namespace vivim::crdt
