#pragma once

#include <memory>
#include <vector>

#include "vivim/chat/importers/sink.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/rt/clock.hpp"
#include "vivim/store/conversations.hpp"
#include "vivim/store/database.hpp"
#include "vivim/store/packer.hpp"

namespace vivim::chat::detail {

/// What the reader hands on at once.
struct ImportBatch {
  std::vector<Imported> conversations;
  std::vector<ImportedFile> files;
  std::size_t bytes = 0;
};

/// The blocks of a conversation as they are stored, in one piece of memory: so the source that they
/// were cut from need not wait for the database.
struct PackedBlocks {
  Bytes bytes;
  std::vector<store::PackedBlob> blobs;  ///< views into `bytes`
  std::vector<store::BlobId> attachments;
};

/// A conversation that is not in the store yet.
struct Fresh {
  Imported imported;  ///< until it is packed
  store::DocumentId id;
  crdt::ClientId client{};
  store::ConversationRow row;
  PackedBlocks blocks;
  store::Packed packed;  ///< the document's first state
  BytesView snapshot;    ///< of it what is stored: a view into `blocks`
};

/// One that may be known; looked up when all before it are written.
struct Known {
  Imported imported;  ///< once it is packed, only the conversation
  PackedBlocks blocks;
};

struct PreparedBatch {
  std::vector<Fresh> fresh;
  std::vector<Known> known;
  std::vector<ImportedFile> files;
  std::vector<store::PackedBlob> packed_files;
  std::size_t bytes = 0;  ///< of the export
  std::uint64_t unchanged = 0;
};

/// Makes the documents of new conversations, and compresses. For one worker.
class BatchPacker {
 public:
  void pack(PreparedBatch& batch, rt::WallMs now);

 private:
  void pack(Fresh& fresh, rt::WallMs now);
  void pack(PackedBlocks& blocks, const Imported& imported, BytesView snapshot);
  MutableBytes room(std::size_t bytes);

  store::Packer packer_;
  std::unique_ptr<std::uint8_t[]> room_;
  std::size_t room_bytes_ = 0;
};

/// Part of a transaction: the files, and the new conversations with their blocks. One that somebody
/// else stored since it was looked up moves to `known`.
Result<void> write_batch(store::Database& database, PreparedBatch& batch);

/// After a merge: the new blocks, what lists show, and a place in the queue for the index.
Result<void> write_merge(store::Database& database, const Known& known,
                         const store::ConversationRow& row);

}  // namespace vivim::chat::detail
