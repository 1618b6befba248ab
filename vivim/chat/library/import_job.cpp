#include "vivim/chat/library/import_job.hpp"

#include <algorithm>

#include "vivim/chat/document.hpp"
#include "vivim/chat/library/rows.hpp"
#include "vivim/store/blobs.hpp"
#include "vivim/store/conversations.hpp"
#include "vivim/store/search.hpp"

namespace vivim::chat {

namespace detail {

struct ImportBatch {
  std::vector<Imported> conversations;
  std::vector<ImportedFile> files;
  std::size_t bytes = 0;
};

/// A conversation that is not in the store yet.
struct Fresh {
  Imported imported;
  store::DocumentId id;
  crdt::ClientId client{};
  store::ConversationRow row;
  Bytes snapshot;
  store::Packed packed;  ///< the snapshot
  std::vector<store::PackedBlob> blobs;
  std::vector<store::BlobId> attachments;
};

/// One that may be known; looked up when all before it are written.
struct Known {
  Imported imported;
  std::vector<store::PackedBlob> blobs;
  std::vector<store::BlobId> attachments;
};

struct PreparedBatch {
  std::vector<Fresh> fresh;
  std::vector<Known> known;
  std::vector<ImportedFile> files;
  std::vector<store::PackedBlob> packed_files;
  std::size_t bytes = 0;
  std::uint64_t unchanged = 0;
};

}  // namespace detail

namespace {

using detail::Fresh;
using detail::ImportBatch;
using detail::Known;
using detail::PreparedBatch;

constexpr std::size_t k_queued_batches_max = 1;

std::vector<store::PackedBlob> pack_blocks(store::Packer& packer, const Imported& imported) {
  std::vector<store::PackedBlob> blobs;
  blobs.reserve(imported.blocks.size());
  for (const auto& block : imported.blocks) {
    const auto content = as_bytes(block.bytes);
    blobs.push_back(
        {.id = {.digest = block.id.digest}, .packed = packer.pack(content), .content = content});
  }
  return blobs;
}

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

/// Makes the document of a new conversation, and compresses its blocks. For a worker.
void pack(Fresh& fresh, store::Packer& packer, rt::WallMs now) {
  fresh.snapshot = first_update(fresh.imported.conversation, fresh.client);
  fresh.packed = packer.pack(fresh.snapshot);
  fresh.blobs = pack_blocks(packer, fresh.imported);
  fresh.attachments = attachments_of(fresh.imported.conversation);
  fresh.row = row_of(fresh.imported.conversation, fresh.id, now);
  fresh.imported.conversation = {};
}

void pack_all(PreparedBatch& batch, rt::WallMs now) {
  store::Packer packer;
  for (auto& fresh : batch.fresh) {
    pack(fresh, packer, now);
  }
  for (auto& known : batch.known) {
    known.blobs = pack_blocks(packer, known.imported);
    known.attachments = attachments_of(known.imported.conversation);
  }
  for (const auto& file : batch.files) {
    batch.packed_files.push_back({.id = {.digest = file.id.digest},
                                  .packed = packer.pack(file.bytes),
                                  .content = file.bytes});
  }
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

/// One transaction: the files, and the new conversations with their blocks.
Result<void> write_batch(store::Database& database, PreparedBatch& batch) {
  store::Blobs blobs(database);
  for (const auto& file : batch.packed_files) {
    VIVIM_TRYV(blobs.put(file));
  }
  std::vector<store::NewConversation> rows;
  rows.reserve(batch.fresh.size());
  for (auto& fresh : batch.fresh) {
    rows.push_back({.row = fresh.row,
                    .snapshot = fresh.snapshot,
                    .packed = std::move(fresh.packed),
                    .blobs = fresh.blobs});
  }
  VIVIM_TRYV(store::Conversations(database).insert_many(rows));
  for (const auto& fresh : batch.fresh) {
    VIVIM_TRYV(link_all(database, fresh.id, fresh.attachments));
  }
  return {};
}

/// After a merge: the new blocks, what lists show, and a place in the queue for the index.
Result<void> write_merge(store::Database& database, const Known& known,
                         const store::ConversationRow& row) {
  store::Blobs blobs(database);
  for (const auto& blob : known.blobs) {
    VIVIM_TRYV(blobs.put(blob, row.id));
  }
  VIVIM_TRYV(link_all(database, row.id, known.attachments));
  VIVIM_TRYV(store::Conversations(database).put(row));
  return store::Search(database).enqueue(row.id);
}

using Rows = std::vector<std::optional<store::ConversationRow>>;

Result<Rows> find_known(store::Database& database, const std::vector<Imported>& conversations) {
  Rows rows;
  rows.reserve(conversations.size());
  for (const auto& imported : conversations) {
    const auto& provenance = imported.conversation.provenance;
    VIVIM_TRY(auto row, store::Conversations(database).find_original(provenance.provider,
                                                                     provenance.original_id));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string identity(const Provenance& provenance) {
  return provenance.provider + "/" + provenance.original_id;
}

bool is_unchanged(const store::ConversationRow& row, const Provenance& provenance) {
  return !row.source_hash.empty() && to_hex(row.source_hash) == provenance.source_hash;
}

}  // namespace

/// Collects what the importer finds into a batch.
class ImportJob::Collector final : public Sink {
 public:
  Result<void> conversation(Imported imported) override {
    batch_->bytes += imported.source.size();
    batch_->conversations.push_back(std::move(imported));
    return {};
  }
  Result<void> file(ImportedFile file) override {
    if (file.attachment) {
      batch_->bytes += file.bytes.size();
      batch_->files.push_back(std::move(file));
    }
    return {};
  }

  std::size_t bytes() const { return batch_->bytes; }
  std::unique_ptr<ImportBatch> take() {
    return std::exchange(batch_, std::make_unique<ImportBatch>());
  }

 private:
  std::unique_ptr<ImportBatch> batch_ = std::make_unique<ImportBatch>();
};

ImportJob::ImportJob(Parts parts, std::string path, ImportOptions options)
    : parts_(parts),
      path_(std::move(path)),
      options_(std::move(options)),
      collector_(std::make_unique<Collector>()),
      read_(parts.loop, k_queued_batches_max),
      prepared_(parts.loop, k_queued_batches_max) {
  options_.now = static_cast<Time>(parts_.loop.clock().wall_now_ms());
  options_.cancelled = [this] { return cancelled_.load(); };
  options_.progress = [this](std::uint64_t bytes, std::uint64_t total) {
    bytes_ = bytes;
    bytes_total_ = total;
  };
}

ImportJob::~ImportJob() = default;

Outcome<void> ImportJob::open() {
  auto files = open_export(path_, options_.archive);
  if (!files) {
    return std::unexpected(cannot_open(path_, files.error()));
  }
  files_ = std::move(*files);
  importer_ = std::make_unique<Importer>(*files_, path_, *collector_, options_);
  return {};
}

/// On the reader's worker. Null at the end.
Result<std::unique_ptr<ImportBatch>> ImportJob::read_batch() {
  while (collector_->bytes() < k_import_batch_bytes) {
    VIVIM_TRY(const bool more, importer_->step());
    if (!more) {
      return collector_->bytes() > 0 ? collector_->take() : nullptr;
    }
  }
  return collector_->take();
}

void ImportJob::stop(const Error& error) {
  error_ = error_.value_or(error);
  read_.close();
  prepared_.close();
}

rt::Co<void> ImportJob::read_all() {
  while (!error_) {
    auto batch = co_await parts_.reader.run([this] { return read_batch(); });
    if (!batch) {
      stop(batch.error());
      break;
    }
    if (*batch == nullptr || !co_await read_.send(std::move(*batch))) {
      break;
    }
  }
  read_.close();
}

rt::Co<Result<std::unique_ptr<PreparedBatch>>> ImportJob::prepare(
    std::unique_ptr<ImportBatch> batch) {
  const auto& conversations = batch->conversations;
  VIVIM_CO_TRY(const auto rows, co_await parts_.store.read([&conversations](store::Database& db) {
    return find_known(db, conversations);
  }));
  auto prepared = std::make_unique<PreparedBatch>();
  prepared->bytes = batch->bytes;
  prepared->files = std::move(batch->files);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& imported = batch->conversations[i];
    const bool first = seen_.insert(identity(imported.conversation.provenance)).second;
    if (first && rows[i] && is_unchanged(*rows[i], imported.conversation.provenance)) {
      ++prepared->unchanged;
    } else if (first && !rows[i]) {
      Fresh& fresh = prepared->fresh.emplace_back();
      fresh.imported = std::move(imported);
      parts_.rng.fill(fresh.id.bytes);
      fresh.client = crdt::ClientId{parts_.rng.below(std::uint64_t{1} << 32)};
    } else {
      prepared->known.push_back({.imported = std::move(imported), .blobs = {}, .attachments = {}});
    }
  }
  batch.reset();
  const auto now = static_cast<rt::WallMs>(options_.now);
  co_await parts_.packer.run([&prepared, now] { pack_all(*prepared, now); });
  co_return std::move(prepared);
}

rt::Co<void> ImportJob::prepare_all() {
  while (!error_) {
    auto batch = co_await read_.receive();
    if (!batch) {
      break;
    }
    auto prepared = co_await prepare(std::move(*batch));
    if (!prepared) {
      stop(prepared.error());
      break;
    }
    if (!co_await prepared_.send(std::move(*prepared))) {
      break;
    }
  }
  prepared_.close();
}

rt::Co<Result<void>> ImportJob::write(PreparedBatch& batch) {
  VIVIM_CO_TRYV(co_await parts_.store.write(
      [&batch](store::Database& db) { return write_batch(db, batch); }, batch.bytes));
  outcome_.added += batch.fresh.size();
  outcome_.unchanged += batch.unchanged;
  for (const auto& fresh : batch.fresh) {
    if (on_added) {
      on_added(fresh.id);
    }
  }
  co_return co_await merge(batch);
}

rt::Co<Result<void>> ImportJob::merge(PreparedBatch& batch) {
  for (auto& known : batch.known) {
    const auto& newer = known.imported.conversation;
    VIVIM_CO_TRY(auto row, co_await parts_.store.read([&newer](store::Database& db) {
      return store::Conversations(db).find_original(newer.provenance.provider,
                                                    newer.provenance.original_id);
    }));
    if (!row) {
      continue;  // removed by somebody while the import ran
    }
    if (is_unchanged(*row, newer.provenance)) {
      ++outcome_.unchanged;
      continue;
    }
    Merged merged;
    Conversation result;
    VIVIM_CO_TRYV(co_await parts_.documents.edit(row->id, [&](crdt::Doc& doc) {
      merged = merge_newer(newer, doc);
      result = from_document(doc);
    }));
    auto changed = row_of(result, row->id, row->updated);
    changed.flags = row->flags;
    VIVIM_CO_TRYV(co_await parts_.store.write(
        [&known, &changed](store::Database& db) { return write_merge(db, known, changed); },
        known.imported.source.size()));
    ++outcome_.updated;
    outcome_.turns_added += merged.turns_added;
    if (on_updated) {
      on_updated(row->id);
    }
  }
  co_return Result<void>();
}

rt::Co<Result<void>> ImportJob::write_all() {
  while (auto batch = co_await prepared_.receive()) {
    if (error_) {
      break;
    }
    VIVIM_CO_TRYV(co_await write(**batch));
    if (on_progress) {
      on_progress();
    }
  }
  co_return Result<void>();
}

rt::Co<Outcome<ImportOutcome>> ImportJob::run() {
  auto opened = co_await parts_.reader.run([this] { return open(); });
  if (!opened) {
    co_return std::unexpected(std::move(opened.error()));
  }
  rt::TaskGroup tasks(parts_.loop);
  tasks.spawn("import: read", read_all());
  tasks.spawn("import: prepare", prepare_all());
  const auto written = co_await write_all();
  if (!written) {
    stop(written.error());
  }
  read_.close();
  prepared_.close();
  co_await tasks.stop();
  if (error_) {
    co_return std::unexpected(problem_of(*error_, "Could not import '" + path_ + "'"));
  }
  auto report = importer_->finish();
  if (!report) {
    co_return std::unexpected(std::move(report.error()));
  }
  outcome_.report = std::move(*report);
  co_return std::move(outcome_);
}

}  // namespace vivim::chat
