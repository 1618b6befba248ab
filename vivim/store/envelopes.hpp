#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/store/database.hpp"
#include "vivim/store/ids.hpp"

namespace vivim::store {

/// Client ids of one document that are bound to a key; more are not kept.
inline constexpr std::size_t k_bindings_max = 65'536;
/// Of them, those that are bound to one key.
inline constexpr std::size_t k_bindings_of_key_max = 4096;

/// Clocks [from, to) of one client.
struct ClientClocks {
  std::uint64_t client = 0;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  friend bool operator==(const ClientClocks&, const ClientClocks&) = default;
};

/// A signed update (docs/protocol/envelope.md) as it came, and what is in it.
struct Envelope {
  Bytes bytes;
  Bytes key;  ///< the author's, in libp2p's encoding
  std::vector<ClientClocks> written;
  bool deletes = false;
};

/// A stored one.
struct EnvelopeRow {
  std::uint64_t seq = 0;
  Bytes bytes;
  std::vector<ClientClocks> written;
};

/// Whose a client id is: all that the client writes from `clock` on is signed by the key.
struct Binding {
  std::uint64_t client = 0;
  std::uint64_t clock = 0;
  Bytes key;
};

/// Which stored envelopes a reader wants.
struct EnvelopeQuery {
  /// What is known: of each client, the clock behind it.
  std::map<std::uint64_t, std::uint64_t> known;
  /// Those that delete something are wanted too, whatever they write.
  bool deleting = false;
};

/// Some of them.
struct EnvelopePage {
  std::vector<EnvelopeRow> rows;
  std::size_t looked_at = 0;
};

/// The signed updates of documents, kept to show who wrote what, and to pass them on as they came.
/// Sequence numbers of a document grow, with gaps.
class Envelopes {
 public:
  explicit Envelopes(Database& database) : db_(database) {}

  /// Keeps one, and binds its clients to its key, as many as may be. False if one with the same
  /// operations is there already. Errors: not_found (the document), too_large (k_update_bytes_max
  /// and 64 KiB).
  Result<bool> add(const DocumentId& document, const Envelope& envelope);
  /// The sequence numbers of those that a reader wants, oldest first. Errors: not_found.
  Result<std::vector<std::uint64_t>> find(const DocumentId& document, const EnvelopeQuery& query);
  /// Those of `seqs` that are (still) there, in that order, until they have `bytes_max` bytes; the
  /// first whatever its size. Returns how many of `seqs` were looked at, too. Errors: not_found.
  Result<EnvelopePage> read(const DocumentId& document, std::span<const std::uint64_t> seqs,
                            std::size_t bytes_max);
  /// Every client id that is bound. Errors: not_found.
  Result<std::vector<Binding>> bindings(const DocumentId& document);
  /// Of each client that is bound to a key, and of which there are envelopes: from the clock where
  /// it is bound to the end of what is in them without a gap. Errors: not_found.
  Result<std::vector<ClientClocks>> signed_by(const DocumentId& document, BytesView key);
  /// Those of one key that have less than `bytes_below` bytes, oldest first, at most `limit`.
  /// Errors: not_found.
  Result<std::vector<EnvelopeRow>> small_ones(const DocumentId& document, BytesView key,
                                              std::size_t bytes_below, std::size_t limit);
  /// Puts `envelopes`, which say what they say together, in place of those of `seqs`. Errors: as
  /// add().
  Result<void> replace(const DocumentId& document, const std::vector<std::uint64_t>& seqs,
                       std::span<const Envelope> envelopes);
  /// How many a document has.
  Result<std::uint64_t> count(const DocumentId& document);

 private:
  Result<std::int64_t> row_of(const DocumentId& document);
  Result<std::int64_t> author_of(BytesView key);
  Result<std::uint64_t> insert(std::int64_t document, const Envelope& envelope);
  Result<void> bind(std::int64_t document, std::int64_t author,
                    std::span<const ClientClocks> written);
  Result<std::size_t> bindings_left(std::int64_t document, std::int64_t author);
  Result<bool> has(std::int64_t document, const Envelope& envelope);
  Result<std::vector<std::uint64_t>> clients_of(std::int64_t document);
  Result<EnvelopeRow> read_one(std::int64_t document, std::uint64_t seq);

  Database& db_;
};

}  // namespace vivim::store
