#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "vivim/base/problem.hpp"
#include "vivim/chat/importers/importer.hpp"
#include "vivim/chat/library/open_documents.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/rng.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"
#include "vivim/store/store.hpp"

namespace vivim::chat {

/// What an import did to the library.
struct ImportOutcome {
  ImportReport report;
  std::uint64_t added = 0;
  std::uint64_t updated = 0;      ///< known conversations that got something new
  std::uint64_t unchanged = 0;    ///< known, and nothing is new
  std::uint64_t turns_added = 0;  ///< to known conversations
};

/// The outcome as one JSON object: counts, kinds of parts, failures with their places.
std::string outcome_json(const ImportOutcome& outcome);

/// Bytes of the export that the stages of an import hand on at once.
inline constexpr std::size_t k_import_batch_bytes = 2 << 20;
/// Bytes of the export that one transaction takes. A transaction writes most pages of the random
/// indexes anew, however much it brings; but other writers wait while it runs.
inline constexpr std::size_t k_import_commit_bytes = 16 << 20;
/// Conversations in the store of which an import keeps the keys in memory (8 bytes each); if there
/// are more, each one that is read is looked up.
inline constexpr std::size_t k_import_known_max = 4 << 20;

namespace detail {
class BatchPacker;
struct ImportBatch;
struct PreparedBatch;
}  // namespace detail

/// One import: reads the export on one worker, makes documents and compresses on another, writes in
/// transactions of about k_import_commit_bytes; three stages at once, with bounded queues between
/// them. What is known already is recognised by the provider's id and the source's hash, and merged
/// or left alone.
class ImportJob {
 public:
  struct Parts {
    rt::Loop& loop;
    store::Store& store;
    OpenDocuments& documents;
    rt::Rng& rng;
    rt::Worker& reader;
    rt::Worker& packer;
  };

  ImportJob(Parts parts, std::string path, ImportOptions options = {});
  ~ImportJob();
  ImportJob(const ImportJob&) = delete;
  ImportJob& operator=(const ImportJob&) = delete;

  /// Once. What was written before a Problem stays.
  rt::Co<Outcome<ImportOutcome>> run();
  /// From the loop: it ends soon, with a Problem.
  void cancel() { cancelled_ = true; }

  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t bytes_total() const { return bytes_total_; }

  /// Called on the loop after each transaction, and for each known conversation that changed.
  std::function<void()> on_progress;
  std::function<void(const store::DocumentId&)> on_added;
  std::function<void(const store::DocumentId&)> on_updated;

 private:
  class Collector;
  enum class Fate : std::uint8_t { fresh, known, unchanged, unclear };
  using Batches = std::vector<std::unique_ptr<detail::PreparedBatch>>;

  Outcome<void> open();
  Result<std::unique_ptr<detail::ImportBatch>> read_batch();
  rt::Co<void> read_all();
  rt::Co<void> prepare_all();
  rt::Co<Result<std::unique_ptr<detail::PreparedBatch>>> prepare(
      std::unique_ptr<detail::ImportBatch> batch);
  rt::Co<Result<void>> find_keys();
  bool may_be_known(const Provenance& provenance) const;
  rt::Co<Result<std::vector<Fate>>> fates_of(const detail::ImportBatch& batch);
  static Result<Fate> fate_of(store::Database& database, const Provenance& provenance);
  rt::Co<Batches> next_batches();
  rt::Co<Result<void>> write(const Batches& batches);
  rt::Co<Result<void>> merge(detail::PreparedBatch& batch);
  rt::Co<Result<void>> write_all();
  void stop(const Error& error);

  Parts parts_;
  std::string path_;
  ImportOptions options_;
  ImportOutcome outcome_;
  std::unique_ptr<ExportFiles> files_;
  std::unique_ptr<Collector> collector_;
  std::unique_ptr<Importer> importer_;
  std::unique_ptr<detail::BatchPacker> batch_packer_;  ///< of the packer's worker
  rt::Channel<std::unique_ptr<detail::ImportBatch>> read_;
  rt::Channel<std::unique_ptr<detail::PreparedBatch>> prepared_;
  std::unordered_set<std::string> seen_;  ///< provider and id of everything in this export so far
  /// store::origin_key() of what was there when the import began, sorted; none: not known.
  std::optional<std::vector<std::uint64_t>> keys_;
  std::optional<Error> error_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::atomic<std::uint64_t> bytes_total_ = 0;
};

}  // namespace vivim::chat
