#include "vivim/store/documents.hpp"

#include "vivim/store/error.hpp"

namespace vivim::store {
namespace {

/// The smallest (fill 'a') and largest (fill '7') id that begins with `prefix`.
Result<DocumentId> bound(std::string_view prefix, char fill) {
  constexpr std::size_t k_text_size = 26;
  if (prefix.size() > k_text_size) {
    return fail(StoreError::malformed);
  }
  std::string text(prefix);
  text.resize(k_text_size, fill);
  if (prefix.size() < k_text_size && fill == '7') {
    text.back() = '4';  // the last character carries 3 bits: the unused two are zero
  }
  return DocumentId::parse(text);
}

Result<std::vector<DocumentId>> read_ids(Query query) {
  std::vector<DocumentId> ids;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return ids;
    }
    VIVIM_TRY(ids.emplace_back(), DocumentId::from_bytes(query.bytes_view(0)));
  }
}

}  // namespace

Result<std::int64_t> Documents::row_of(const DocumentId& id) {
  Query query = db_.query("SELECT id FROM documents WHERE doc = ?", id);
  VIVIM_TRYV(query.row());
  return query.integer(0);
}

Result<void> Documents::create(const DocumentId& id, DocumentKind kind, rt::WallMs now) {
  return db_.run("INSERT INTO documents(doc, kind, created) VALUES(?, ?, ?)", id,
                 static_cast<int>(kind), now);
}

Result<bool> Documents::has(const DocumentId& id) {
  return db_.query("SELECT 1 FROM documents WHERE doc = ?", id).step();
}

Result<std::vector<DocumentRow>> Documents::list(std::optional<DocumentId> after,
                                                 std::size_t limit) {
  Query query = db_.query(
      "SELECT doc, kind, created FROM documents "
      "WHERE id > coalesce((SELECT id FROM documents WHERE doc = ?), 0) ORDER BY id LIMIT ?",
      after, limit);
  std::vector<DocumentRow> rows;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return rows;
    }
    VIVIM_TRY(const DocumentId id, DocumentId::from_bytes(query.bytes_view(0)));
    rows.push_back({.id = id,
                    .kind = static_cast<DocumentKind>(query.integer(1)),
                    .created = query.integer(2)});
  }
}

Result<std::vector<DocumentId>> Documents::find_prefix(std::string_view prefix, std::size_t limit) {
  VIVIM_TRY(const DocumentId low, bound(prefix, 'a'));
  VIVIM_TRY(const DocumentId high, bound(prefix, '7'));
  return read_ids(
      db_.query("SELECT doc FROM documents WHERE doc BETWEEN ? AND ? ORDER BY doc LIMIT ?", low,
                high, limit));
}

Result<void> Documents::remove(const DocumentId& id) {
  return db_.atomically([&]() -> Result<void> {
    VIVIM_TRY(const std::int64_t row, row_of(id));
    std::vector<std::int64_t> blobs;
    {
      Query query = db_.query("SELECT blob FROM document_blobs WHERE doc = ?", row);
      for (;;) {
        VIVIM_TRY(const bool more, query.step());
        if (!more) {
          break;
        }
        blobs.push_back(query.integer(0));
      }
    }
    VIVIM_TRYV(db_.run("DELETE FROM documents WHERE id = ?", row));
    for (const std::int64_t blob : blobs) {
      VIVIM_TRYV(
          db_.run("DELETE FROM blobs WHERE id = ?1 AND NOT EXISTS "
                  "(SELECT 1 FROM document_blobs WHERE blob = ?1)",
                  blob));
    }
    return {};
  });
}

Result<std::int64_t> Documents::count() {
  Query query = db_.query("SELECT count(*) FROM documents");
  VIVIM_TRYV(query.row());
  return query.integer(0);
}

Result<std::uint64_t> Documents::last_seq_of_row(std::int64_t row) {
  Query query = db_.query(
      "SELECT coalesce((SELECT max(seq) FROM updates WHERE doc = ?1), "
      "(SELECT seq FROM snapshots WHERE doc = ?1), 0)",
      row);
  VIVIM_TRYV(query.row());
  return static_cast<std::uint64_t>(query.integer(0));
}

Result<std::uint64_t> Documents::last_seq(const DocumentId& id) {
  VIVIM_TRY(const std::int64_t row, row_of(id));
  return last_seq_of_row(row);
}

Result<std::uint64_t> Documents::append_update(const DocumentId& id, BytesView update) {
  if (update.size() > k_update_bytes_max) {
    return fail(StoreError::too_large, update.size());
  }
  VIVIM_TRY(const std::int64_t row, row_of(id));
  VIVIM_TRY(const std::uint64_t last, last_seq_of_row(row));
  VIVIM_TRYV(
      db_.run("INSERT INTO updates(doc, seq, bytes) VALUES(?, ?, ?)", row, last + 1, update));
  return last + 1;
}

Result<void> Documents::start_log(const DocumentId& id, BytesView snapshot,
                                  const std::optional<Packed>& packed) {
  VIVIM_TRY(const std::int64_t row, row_of(id));
  VIVIM_TRY(const std::uint64_t last, last_seq_of_row(row));
  if (last != 0) {
    return fail(StoreError::exists, last);
  }
  return insert_log(row, snapshot, packed);
}

Result<std::int64_t> Documents::create_with_log(const DocumentRow& document, BytesView snapshot,
                                                const std::optional<Packed>& packed) {
  VIVIM_TRYV(create(document.id, document.kind, document.created));
  const std::int64_t row = db_.last_row_id();
  VIVIM_TRYV(insert_log(row, snapshot, packed));
  return row;
}

Result<void> Documents::insert_log(std::int64_t row, BytesView snapshot,
                                   const std::optional<Packed>& packed) {
  const std::uint64_t size = packed ? packed->size : snapshot.size();
  if (size > k_update_bytes_max) {
    return fail(StoreError::too_large, size);
  }
  Packed own;
  if (!packed) {
    own = Packer().pack(snapshot);
  }
  const Packed& stored = packed ? *packed : own;
  return db_.run("INSERT INTO snapshots(doc, seq, codec, size, bytes) VALUES(?, 1, ?, ?, ?)", row,
                 static_cast<int>(stored.codec), stored.size, stored.stored(snapshot));
}

Result<DocumentLog> Documents::load(const DocumentId& id) {
  VIVIM_TRY(const std::int64_t row, row_of(id));
  DocumentLog log;
  Query snapshot = db_.query("SELECT seq, codec, size, bytes FROM snapshots WHERE doc = ?", row);
  VIVIM_TRY(const bool has_snapshot, snapshot.step());
  if (has_snapshot) {
    log.snapshot_seq = static_cast<std::uint64_t>(snapshot.integer(0));
    Packer packer;
    VIVIM_TRY(log.snapshot,
              packer.unpack(static_cast<Codec>(snapshot.integer(1)), snapshot.bytes_view(3),
                            static_cast<std::uint64_t>(snapshot.integer(2)), k_update_bytes_max));
  }
  Query updates = db_.query("SELECT seq, bytes FROM updates WHERE doc = ? AND seq > ? ORDER BY seq",
                            row, log.snapshot_seq);
  std::uint64_t expected = log.snapshot_seq;
  for (;;) {
    VIVIM_TRY(const bool more, updates.step());
    if (!more) {
      return log;
    }
    const auto seq = static_cast<std::uint64_t>(updates.integer(0));
    if (seq != ++expected) {
      return fail(StoreError::corrupt, expected);
    }
    log.updates.push_back({.seq = seq, .bytes = updates.bytes(1)});
  }
}

Result<void> Documents::compact(const DocumentId& id, BytesView snapshot, std::uint64_t upto_seq) {
  if (snapshot.size() > k_update_bytes_max) {
    return fail(StoreError::too_large, snapshot.size());
  }
  return db_.atomically([&]() -> Result<void> {
    VIVIM_TRY(const std::int64_t row, row_of(id));
    VIVIM_TRY(const std::uint64_t last, last_seq_of_row(row));
    if (upto_seq > last) {
      return fail(StoreError::malformed, upto_seq);
    }
    const Packed packed = Packer().pack(snapshot);
    VIVIM_TRYV(db_.run(
        "INSERT INTO snapshots(doc, seq, codec, size, bytes) VALUES(?, ?, ?, ?, ?) "
        "ON CONFLICT(doc) DO UPDATE SET seq = excluded.seq, codec = excluded.codec, "
        "size = excluded.size, bytes = excluded.bytes WHERE seq <= excluded.seq",
        row, upto_seq, static_cast<int>(packed.codec), packed.size, packed.stored(snapshot)));
    if (db_.changes() == 0) {
      return fail(StoreError::malformed, upto_seq);
    }
    return db_.run("DELETE FROM updates WHERE doc = ? AND seq <= ?", row, upto_seq);
  });
}

Result<LogTail> Documents::tail(const DocumentId& id) {
  VIVIM_TRY(const std::int64_t row, row_of(id));
  Query query =
      db_.query("SELECT count(*), coalesce(sum(length(bytes)), 0) FROM updates WHERE doc = ?", row);
  VIVIM_TRYV(query.row());
  return LogTail{.updates = static_cast<std::uint64_t>(query.integer(0)),
                 .bytes = static_cast<std::uint64_t>(query.integer(1))};
}

Result<std::vector<DocumentId>> Documents::due_for_compaction(CompactionPolicy policy,
                                                              std::size_t limit) {
  return read_ids(
      db_.query("SELECT d.doc FROM updates u JOIN documents d ON d.id = u.doc GROUP BY u.doc "
                "HAVING count(*) > ? OR sum(length(u.bytes)) > ? ORDER BY count(*) DESC LIMIT ?",
                policy.updates_max, policy.bytes_max, limit));
}

}  // namespace vivim::store
