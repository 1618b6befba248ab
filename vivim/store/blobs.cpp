#include "vivim/store/blobs.hpp"

#include <algorithm>

#include "vivim/store/error.hpp"

namespace vivim::store {
namespace {

/// The index holds the digest's first 8 bytes: a third of the size of an index on the digest
/// itself, so that it stays in the cache during an import.
std::int64_t key_of(const BlobId& id) {
  return static_cast<std::int64_t>(load_be64(id.digest));
}

}  // namespace

Result<BlobId> Blobs::put(BytesView content) {
  return put(pack_blob(packer_, content));
}

Result<BlobId> Blobs::put(const PackedBlob& blob) {
  VIVIM_TRYV(insert(blob));
  return blob.id;
}

Result<BlobId> Blobs::put(const PackedBlob& blob, const DocumentId& document) {
  return db_.atomically([&]() -> Result<BlobId> {
    VIVIM_TRY(const std::int64_t row, insert(blob));
    VIVIM_TRY(const std::int64_t owner, document_row(document));
    VIVIM_TRYV(link_row(owner, row));
    return blob.id;
  });
}

/// Rows of new blobs follow each other, so that one statement links them all.
Result<void> Blobs::put_many(std::span<const PackedBlob> blobs, std::int64_t document_row) {
  std::int64_t first = 0;
  std::int64_t count = 0;
  for (const PackedBlob& blob : blobs) {
    VIVIM_TRY(const auto found, find_row(blob.id));
    if (found) {
      if (count == 0 || *found < first) {
        VIVIM_TRYV(link_row(document_row, *found));
      }
      continue;
    }
    VIVIM_TRY(const std::int64_t row, insert_new(blob));
    if (count > 0 && row != first + count) {
      VIVIM_TRYV(link_rows(document_row, first, count));
      count = 0;
    }
    first = count == 0 ? row : first;
    ++count;
  }
  return count == 0 ? Result<void>() : link_rows(document_row, first, count);
}

Result<std::optional<std::int64_t>> Blobs::find_row(const BlobId& id) {
  Query query = db_.query("SELECT id FROM blobs WHERE key = ? AND digest = ?", key_of(id), id);
  VIVIM_TRY(const bool found, query.step());
  return found ? std::optional(query.integer(0)) : std::nullopt;
}

Result<std::int64_t> Blobs::insert(const PackedBlob& blob) {
  VIVIM_TRY(const auto found, find_row(blob.id));
  return found ? Result<std::int64_t>(*found) : insert_new(blob);
}

Result<std::int64_t> Blobs::insert_new(const PackedBlob& blob) {
  const std::uint64_t size = std::max<std::uint64_t>(blob.content.size(), blob.packed.size);
  if (size > k_blob_bytes_max) {
    return fail(StoreError::too_large, size);
  }
  VIVIM_TRYV(db_.run("INSERT INTO blobs(key, digest, codec, size, bytes) VALUES(?, ?, ?, ?, ?)",
                     key_of(blob.id), blob.id, static_cast<int>(blob.packed.codec),
                     blob.packed.size, blob.stored()));
  return db_.last_row_id();
}

Result<std::int64_t> Blobs::document_row(const DocumentId& document) {
  Query find = db_.query("SELECT id FROM documents WHERE doc = ?", document);
  VIVIM_TRYV(find.row());
  return find.integer(0);
}

Result<void> Blobs::link_row(std::int64_t document_row, std::int64_t row) {
  return db_.run("INSERT INTO document_blobs(doc, blob) VALUES(?, ?) ON CONFLICT DO NOTHING",
                 document_row, row);
}

Result<void> Blobs::link_rows(std::int64_t document_row, std::int64_t first, std::int64_t count) {
  return db_.run(
      "INSERT INTO document_blobs(doc, blob) SELECT ?, id FROM blobs WHERE id BETWEEN ? AND ? "
      "ORDER BY id",
      document_row, first, first + count - 1);
}

Result<Bytes> Blobs::get(const BlobId& id) {
  Query query = db_.query("SELECT codec, size, bytes FROM blobs WHERE key = ? AND digest = ?",
                          key_of(id), id);
  VIVIM_TRYV(query.row());
  VIVIM_TRY(Bytes content,
            packer_.unpack(static_cast<Codec>(query.integer(0)), query.bytes_view(2),
                           static_cast<std::uint64_t>(query.integer(1)), k_blob_bytes_max));
  if (BlobId::of(content) != id) {
    return fail(StoreError::corrupt);
  }
  return content;
}

Result<std::uint64_t> Blobs::size(const BlobId& id) {
  Query query = db_.query("SELECT size FROM blobs WHERE key = ? AND digest = ?", key_of(id), id);
  VIVIM_TRYV(query.row());
  return static_cast<std::uint64_t>(query.integer(0));
}

Result<bool> Blobs::has(const BlobId& id) {
  VIVIM_TRY(const auto row, find_row(id));
  return row.has_value();
}

Result<void> Blobs::link(const DocumentId& document, const BlobId& id) {
  VIVIM_TRY(const auto row, find_row(id));
  if (!row) {
    return fail(StoreError::not_found);
  }
  VIVIM_TRY(const std::int64_t owner, document_row(document));
  return link_row(owner, *row);
}

Result<bool> Blobs::linked(const DocumentId& document, const BlobId& id) {
  VIVIM_TRY(const auto row, find_row(id));
  if (!row) {
    return false;
  }
  return db_
      .query(
          "SELECT 1 FROM document_blobs WHERE blob = ? AND "
          "doc = (SELECT id FROM documents WHERE doc = ?)",
          *row, document)
      .step();
}

Result<std::vector<BlobId>> Blobs::of_document(const DocumentId& document) {
  Query query = db_.query(
      "SELECT b.digest FROM document_blobs l JOIN blobs b ON b.id = l.blob "
      "WHERE l.doc = (SELECT id FROM documents WHERE doc = ?) ORDER BY l.blob",
      document);
  std::vector<BlobId> ids;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return ids;
    }
    if (query.bytes_view(0).size() != BlobId().digest.size()) {
      return fail(StoreError::corrupt);
    }
    std::ranges::copy(query.bytes_view(0), ids.emplace_back().digest.begin());
  }
}

Result<std::int64_t> Blobs::remove_orphans() {
  VIVIM_TRYV(
      db_.run("DELETE FROM blobs WHERE NOT EXISTS "
              "(SELECT 1 FROM document_blobs l WHERE l.blob = blobs.id)"));
  return db_.changes();
}

Result<std::int64_t> Blobs::count() {
  Query query = db_.query("SELECT count(*) FROM blobs");
  VIVIM_TRYV(query.row());
  return query.integer(0);
}

}  // namespace vivim::store
