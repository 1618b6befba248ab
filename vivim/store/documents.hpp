#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/rt/clock.hpp"
#include "vivim/store/database.hpp"
#include "vivim/store/ids.hpp"
#include "vivim/store/packer.hpp"

namespace vivim::store {

/// What a document is; the numbers are stored.
enum class DocumentKind : std::uint8_t { conversation = 1 };

struct DocumentRow {
  DocumentId id;
  DocumentKind kind = DocumentKind::conversation;
  rt::WallMs created = 0;
};

struct Update {
  std::uint64_t seq = 0;
  Bytes bytes;
};

/// A document's log: the snapshot holds every update up to `snapshot_seq`; `updates` are those
/// after it, in order.
struct DocumentLog {
  std::optional<Bytes> snapshot;
  std::uint64_t snapshot_seq = 0;
  std::vector<Update> updates;
};

/// How much of a log stands after its snapshot.
struct LogTail {
  std::uint64_t updates = 0;
  std::uint64_t bytes = 0;
};

/// When a log's owner should compact it.
struct CompactionPolicy {
  std::uint64_t updates_max = 500;
  std::uint64_t bytes_max = 1ULL << 20;

  bool due(const LogTail& tail) const {
    return tail.updates > updates_max || tail.bytes > bytes_max;
  }
};

/// Documents and their append-only update logs. Sequence numbers of a document begin at 1 and have
/// no gaps.
class Documents {
 public:
  explicit Documents(Database& database) : db_(database) {}

  /// Errors: exists.
  Result<void> create(const DocumentId& id, DocumentKind kind, rt::WallMs now);
  Result<bool> has(const DocumentId& id);
  /// All, in order of creation, after the one given (none: from the start).
  Result<std::vector<DocumentRow>> list(std::optional<DocumentId> after, std::size_t limit);
  /// Those whose text form begins with `prefix`, at most `limit`, in order of id. Errors:
  /// malformed.
  Result<std::vector<DocumentId>> find_prefix(std::string_view prefix, std::size_t limit);
  /// Deletes the document, its log, conversation, search text, grants, and the blobs that no other
  /// document links to. Errors: not_found.
  Result<void> remove(const DocumentId& id);
  Result<std::int64_t> count();

  /// Appends and returns the sequence number. Errors: not_found, too_large (k_update_bytes_max).
  Result<std::uint64_t> append_update(const DocumentId& id, BytesView update);
  /// Begins the empty log of a new document with a snapshot that counts as update 1; `packed` is
  /// the snapshot by Packer::pack(), if that was done elsewhere. Errors: not_found, exists,
  /// too_large.
  Result<void> start_log(const DocumentId& id, BytesView snapshot,
                         const std::optional<Packed>& packed = std::nullopt);
  /// For imports: create() and start_log() at once; returns documents.id. Part of a transaction of
  /// the caller's. Errors: exists, too_large.
  Result<std::int64_t> create_with_log(const DocumentRow& document, BytesView snapshot,
                                       const std::optional<Packed>& packed);
  /// Errors: not_found, corrupt.
  Result<DocumentLog> load(const DocumentId& id);
  /// Replaces the log up to and including `upto_seq` by `snapshot`, which holds all of it; later
  /// updates stay. Errors: not_found; malformed if `upto_seq` is before the present snapshot or
  /// after the last update.
  Result<void> compact(const DocumentId& id, BytesView snapshot, std::uint64_t upto_seq);
  /// The last sequence number, 0 for an empty log.
  Result<std::uint64_t> last_seq(const DocumentId& id);
  Result<LogTail> tail(const DocumentId& id);
  /// Documents whose tail is due, longest first.
  Result<std::vector<DocumentId>> due_for_compaction(CompactionPolicy policy, std::size_t limit);

 private:
  Result<std::int64_t> row_of(const DocumentId& id);
  Result<void> insert_log(std::int64_t row, BytesView snapshot,
                          const std::optional<Packed>& packed);
  Result<std::uint64_t> last_seq_of_row(std::int64_t row);

  Database& db_;
};

}  // namespace vivim::store
