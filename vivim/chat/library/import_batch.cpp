#include <algorithm>
#include <numeric>

#include "vivim/chat/document.hpp"
#include "vivim/chat/library/import_batch_detail.hpp"
#include "vivim/chat/library/rows.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/store/blobs.hpp"
#include "vivim/store/error.hpp"
#include "vivim/store/search.hpp"

namespace vivim::chat::detail {

namespace {

/// Memory that a packer keeps for the next conversation.
constexpr std::size_t k_room_bytes_kept_max = 4 << 20;

std::vector<store::BlobId> attachments_of(const Conversation& conversation) {
  std::vector<store::BlobId> found;
  for (const auto& turn : conversation.turns) {
    for (const auto& part : turn.parts) {
      const auto* media = std::get_if<MediaPart>(&part);
      if (media == nullptr || media->cid.empty()) {
        continue;
      }
      if (const auto id = store::BlobId::parse(media->cid)) {
        found.push_back(*id);
      }
    }
  }
  return found;
}

Result<void> link_all(store::Database& database, const store::DocumentId& document,
                      const std::vector<store::BlobId>& attachments) {
  store::Blobs blobs(database);
  for (const auto& attachment : attachments) {
    const auto linked = blobs.link(document, attachment);
    if (!linked && !linked.error().is(store::StoreError::not_found)) {
      return linked;
    }
  }
  return {};
}

/// The conversation of a new document that turned out not to be new.
Result<Known> known_again(Fresh& fresh) {
  VIVIM_TRY(const Bytes snapshot,
            store::Packer().unpack(fresh.packed.codec, fresh.snapshot, fresh.packed.size,
                                   store::k_update_bytes_max));
  crdt::Doc doc(fresh.client);
  VIVIM_TRYV(crdt::apply_update(doc, snapshot));
  return Known{.imported = {.conversation = from_document(doc)}, .blocks = std::move(fresh.blocks)};
}

/// Moves out of `fresh` what was stored by somebody else meanwhile.
Result<void> move_known(store::Database& database, PreparedBatch& batch) {
  std::vector<Known> known;
  std::vector<Fresh> fresh;
  fresh.reserve(batch.fresh.size());
  for (auto& each : batch.fresh) {
    VIVIM_TRY(const bool there,
              store::Conversations(database).has_original(each.row.provider.value_or(""),
                                                          each.row.original_id.value_or("")));
    if (there) {
      VIVIM_TRY(known.emplace_back(), known_again(each));
    } else {
      fresh.push_back(std::move(each));
    }
  }
  batch.fresh = std::move(fresh);
  batch.known.insert(batch.known.begin(), std::move_iterator(known.begin()),
                     std::move_iterator(known.end()));
  return {};
}

}  // namespace

MutableBytes BatchPacker::room(std::size_t bytes) {
  if (room_bytes_ < bytes || room_bytes_ > k_room_bytes_kept_max) {
    room_.reset();
    room_bytes_ = std::max(bytes, k_room_bytes_kept_max);
    room_ = std::make_unique_for_overwrite<std::uint8_t[]>(room_bytes_);
  }
  return {room_.get(), room_bytes_};
}

/// The blocks, and after them the snapshot, which is the last of `blobs` then.
void BatchPacker::pack(PackedBlocks& blocks, const Imported& imported, BytesView snapshot) {
  const std::size_t bytes =
      std::accumulate(imported.blocks.begin(), imported.blocks.end(), snapshot.size(),
                      [](std::size_t sum, const Block& block) { return sum + block.bytes.size(); });
  const MutableBytes all = room(bytes);
  std::size_t used = 0;
  const auto add = [&](const store::BlobId& id, BytesView content) {
    const auto packed = packer_.pack_into(content, all.subspan(used));
    blocks.blobs.push_back({.id = id,
                            .packed = {.codec = packed.codec, .size = content.size(), .bytes = {}},
                            .content = all.subspan(used, packed.bytes)});
    used += packed.bytes;
  };
  blocks.blobs.reserve(imported.blocks.size() + 1);
  for (const auto& block : imported.blocks) {
    add({.digest = block.id.digest}, as_bytes(block.bytes));
  }
  if (!snapshot.empty()) {
    add({}, snapshot);
  }
  blocks.bytes.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(used));
  for (auto& blob : blocks.blobs) {
    const auto begin = static_cast<std::size_t>(blob.content.data() - all.data());
    blob.content = BytesView(blocks.bytes).subspan(begin, blob.content.size());
  }
  blocks.attachments = attachments_of(imported.conversation);
}

void BatchPacker::pack(Fresh& fresh, rt::WallMs now) {
  const Bytes snapshot = first_update(fresh.imported.conversation, fresh.client);
  pack(fresh.blocks, fresh.imported, snapshot);
  fresh.packed = std::move(fresh.blocks.blobs.back().packed);
  fresh.snapshot = fresh.blocks.blobs.back().content;
  fresh.blocks.blobs.pop_back();
  fresh.row = row_of(fresh.imported.conversation, fresh.id, now);
  fresh.imported = {};
}

void BatchPacker::pack(PreparedBatch& batch, rt::WallMs now) {
  for (auto& fresh : batch.fresh) {
    pack(fresh, now);
  }
  for (auto& known : batch.known) {
    pack(known.blocks, known.imported, {});
    known.imported = {.conversation = std::move(known.imported.conversation)};
  }
  for (const auto& file : batch.files) {
    batch.packed_files.push_back({.id = {.digest = file.id.digest},
                                  .packed = packer_.pack(file.bytes),
                                  .content = file.bytes});
  }
}

Result<void> write_batch(store::Database& database, PreparedBatch& batch) {
  VIVIM_TRYV(move_known(database, batch));
  store::Blobs blobs(database);
  for (const auto& file : batch.packed_files) {
    VIVIM_TRYV(blobs.put(file));
  }
  for (const auto& fresh : batch.fresh) {
    VIVIM_TRYV(store::Conversations(database).insert({.row = fresh.row,
                                                      .snapshot = fresh.snapshot,
                                                      .packed = fresh.packed,
                                                      .blobs = fresh.blocks.blobs}));
    VIVIM_TRYV(link_all(database, fresh.id, fresh.blocks.attachments));
  }
  return {};
}

Result<void> write_merge(store::Database& database, const Known& known,
                         const store::ConversationRow& row) {
  store::Blobs blobs(database);
  for (const auto& blob : known.blocks.blobs) {
    VIVIM_TRYV(blobs.put(blob, row.id));
  }
  VIVIM_TRYV(link_all(database, row.id, known.blocks.attachments));
  VIVIM_TRYV(store::Conversations(database).put(row));
  return store::Search(database).enqueue(row.id);
}

}  // namespace vivim::chat::detail
