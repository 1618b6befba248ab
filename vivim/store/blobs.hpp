#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/store/database.hpp"
#include "vivim/store/ids.hpp"
#include "vivim/store/packer.hpp"

namespace vivim::store {

/// Content-addressed bytes: written once, never changed, verified whenever they are read. A blob
/// stays while a document links to it; one that nobody links goes with remove_orphans().
class Blobs {
 public:
  explicit Blobs(Database& database) : db_(database) {}

  /// Stores `content` (at most k_blob_bytes_max) and returns its id; again is no change. Errors:
  /// too_large.
  Result<BlobId> put(BytesView content);
  /// The same with the work done before, elsewhere: pack_blob() on any thread.
  Result<BlobId> put(const PackedBlob& blob);
  /// Stores it and links `document` to it. Errors: not_found (the document).
  Result<BlobId> put(const PackedBlob& blob, const DocumentId& document);

  /// Stores many and links `document_row` (documents.id) to them. Part of a transaction of the
  /// caller's: after an error some may be there.
  Result<void> put_many(std::span<const PackedBlob> blobs, std::int64_t document_row);

  /// The bytes. Errors: not_found; corrupt, if what is stored does not have this id.
  Result<Bytes> get(const BlobId& id);
  /// Uncompressed size, without reading the bytes. Errors: not_found.
  Result<std::uint64_t> size(const BlobId& id);
  Result<bool> has(const BlobId& id);

  /// `document` keeps `id` alive from now on. Errors: not_found (either).
  Result<void> link(const DocumentId& document, const BlobId& id);
  /// True if `document` links to `id`: what a peer that may read the document may fetch.
  Result<bool> linked(const DocumentId& document, const BlobId& id);
  Result<std::vector<BlobId>> of_document(const DocumentId& document);

  /// Deletes what no document links to; returns how many.
  Result<std::int64_t> remove_orphans();
  Result<std::int64_t> count();

 private:
  Result<std::optional<std::int64_t>> find_row(const BlobId& id);
  Result<std::int64_t> insert(const PackedBlob& blob);
  Result<std::int64_t> insert_new(const PackedBlob& blob);
  Result<std::int64_t> document_row(const DocumentId& document);
  Result<void> link_row(std::int64_t document_row, std::int64_t row);
  /// Links to `count` blobs from `first` on, none of which any document links to yet.
  Result<void> link_rows(std::int64_t document_row, std::int64_t first, std::int64_t count);

  Database& db_;
  Packer packer_;
};

}  // namespace vivim::store
