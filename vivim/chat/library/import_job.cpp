#include "vivim/chat/library/import_job.hpp"

#include <algorithm>

#include "vivim/chat/document.hpp"
#include "vivim/chat/library/import_batch_detail.hpp"
#include "vivim/chat/library/rows.hpp"
#include "vivim/store/conversations.hpp"

namespace vivim::chat {

namespace {

using detail::ImportBatch;
using detail::Known;
using detail::PreparedBatch;

constexpr std::size_t k_read_batches_max = 1;
/// As many as the packer makes while a transaction is written.
constexpr std::size_t k_prepared_batches_max = 4;

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
      batch_packer_(std::make_unique<detail::BatchPacker>()),
      read_(parts.loop, k_read_batches_max),
      prepared_(parts.loop, k_prepared_batches_max) {
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

rt::Co<Result<void>> ImportJob::find_keys() {
  VIVIM_CO_TRY(keys_, co_await parts_.store.read([](store::Database& database) {
    return store::Conversations(database).origin_keys(k_import_known_max);
  }));
  co_return Result<void>();
}

bool ImportJob::may_be_known(const Provenance& provenance) const {
  return !keys_ || std::ranges::binary_search(
                       *keys_, store::origin_key(provenance.provider, provenance.original_id));
}

/// What is to be done with each conversation. Asks the store only where it may be there already,
/// since that waits for the transaction that is being written.
rt::Co<Result<std::vector<ImportJob::Fate>>> ImportJob::fates_of(const ImportBatch& batch) {
  std::vector<Fate> fates;
  for (const auto& imported : batch.conversations) {
    const auto& provenance = imported.conversation.provenance;
    const bool first = seen_.insert(identity(provenance)).second;
    fates.push_back(!first ? Fate::known : may_be_known(provenance) ? Fate::unclear : Fate::fresh);
  }
  if (std::ranges::find(fates, Fate::unclear) != fates.end()) {
    VIVIM_CO_TRYV(co_await parts_.store.read([&](store::Database& database) -> Result<void> {
      for (std::size_t i = 0; i < fates.size(); ++i) {
        if (fates[i] == Fate::unclear) {
          VIVIM_TRY(fates[i], fate_of(database, batch.conversations[i].conversation.provenance));
        }
      }
      return {};
    }));
  }
  co_return std::move(fates);
}

Result<ImportJob::Fate> ImportJob::fate_of(store::Database& database,
                                           const Provenance& provenance) {
  VIVIM_TRY(const auto row, store::Conversations(database).find_original(provenance.provider,
                                                                         provenance.original_id));
  if (!row) {
    return Fate::fresh;
  }
  return is_unchanged(*row, provenance) ? Fate::unchanged : Fate::known;
}

rt::Co<Result<std::unique_ptr<PreparedBatch>>> ImportJob::prepare(
    std::unique_ptr<ImportBatch> batch) {
  VIVIM_CO_TRY(const auto fates, co_await fates_of(*batch));
  auto prepared = std::make_unique<PreparedBatch>();
  prepared->bytes = batch->bytes;
  prepared->files = std::move(batch->files);
  for (std::size_t i = 0; i < fates.size(); ++i) {
    auto& imported = batch->conversations[i];
    if (fates[i] == Fate::unchanged) {
      ++prepared->unchanged;
    } else if (fates[i] == Fate::fresh) {
      auto& fresh = prepared->fresh.emplace_back();
      fresh.imported = std::move(imported);
      parts_.rng.fill(fresh.id.bytes);
      fresh.client = crdt::ClientId{parts_.rng.below(std::uint64_t{1} << 32)};
    } else {
      prepared->known.push_back({.imported = std::move(imported), .blocks = {}});
    }
  }
  const auto now = static_cast<rt::WallMs>(options_.now);
  co_await parts_.packer.run([&] {
    batch.reset();
    batch_packer_->pack(*prepared, now);
  });
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

rt::Co<Result<void>> ImportJob::write(const Batches& batches) {
  std::size_t bytes = 0;
  for (const auto& batch : batches) {
    bytes += batch->bytes;
  }
  VIVIM_CO_TRYV(co_await parts_.store.write(
      [&batches](store::Database& database) -> Result<void> {
        for (const auto& batch : batches) {
          VIVIM_TRYV(detail::write_batch(database, *batch));
        }
        return {};
      },
      bytes));
  for (const auto& batch : batches) {
    outcome_.added += batch->fresh.size();
    outcome_.unchanged += batch->unchanged;
    for (const auto& fresh : batch->fresh) {
      if (on_added) {
        on_added(fresh.id);
      }
    }
    VIVIM_CO_TRYV(co_await merge(*batch));
  }
  co_return Result<void>();
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
        [&known, &changed](store::Database& db) { return detail::write_merge(db, known, changed); },
        known.blocks.bytes.size()));
    ++outcome_.updated;
    outcome_.turns_added += merged.turns_added;
    if (on_updated) {
      on_updated(row->id);
    }
  }
  co_return Result<void>();
}

/// What one transaction takes; empty at the end.
rt::Co<ImportJob::Batches> ImportJob::next_batches() {
  Batches batches;
  std::size_t bytes = 0;
  while (bytes < k_import_commit_bytes) {
    auto batch = co_await prepared_.receive();
    if (!batch) {
      break;
    }
    bytes += (*batch)->bytes;
    batches.push_back(std::move(*batch));
  }
  co_return std::move(batches);
}

rt::Co<Result<void>> ImportJob::write_all() {
  for (auto batches = co_await next_batches(); !batches.empty() && !error_;
       batches = co_await next_batches()) {
    VIVIM_CO_TRYV(co_await write(batches));
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
  if (const auto found = co_await find_keys(); !found) {
    co_return std::unexpected(problem_of(found.error(), "Could not import '" + path_ + "'"));
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
