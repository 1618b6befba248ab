#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vivim/base/problem.hpp"
#include "vivim/chat/exporters/exporter.hpp"
#include "vivim/chat/library/import_job.hpp"
#include "vivim/chat/library/indexer.hpp"
#include "vivim/chat/model.hpp"
#include "vivim/store/conversations.hpp"
#include "vivim/store/search.hpp"

namespace vivim::chat {

/// Something that happened, for who shows the library.
struct LibraryEvent {
  enum class Kind : std::uint8_t { added, changed, removed, job, indexing };
  Kind kind = Kind::changed;
  std::optional<store::DocumentId> id;  ///< added (none: many at once), changed, removed
  std::uint64_t job = 0;                ///< job
  std::int64_t pending = 0;             ///< indexing: documents that wait
};

enum class JobState : std::uint8_t { running, done, failed };

/// An import as seen from outside.
struct JobStatus {
  std::uint64_t id = 0;
  std::string source;
  JobState state = JobState::running;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_total = 0;
  std::optional<ImportOutcome> outcome;  ///< when done
  std::optional<Problem> problem;        ///< when failed
};

/// Finished imports whose status is kept.
inline constexpr std::size_t k_jobs_kept_max = 100;

struct ConversationView {
  store::DocumentId id;
  Conversation conversation;
  bool shared = false;
};

/// A turn that somebody adds.
struct TurnRequest {
  std::optional<std::string> parent;  ///< nothing: after `current`
  Role role = Role::user;
  std::string text;
  std::string name;
};

struct LibraryOptions {
  IndexerOptions indexer;
  ImportOptions import;
};

/// The conversations of a home: what the command line and the HTTP API call. Ids are given as text
/// and may be any unique beginning. Every failure is a Problem that says what happened to what.
/// Belongs to one loop.
class Library {
 public:
  /// Two workers besides the store's: one reads exports, the other makes and reads documents. All
  /// must outlive it.
  using Parts = ImportJob::Parts;

  explicit Library(Parts parts, LibraryOptions options = {});
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  /// Begins indexing in the background.
  void start();
  /// Cancels imports, ends indexing; await it before the parts go.
  rt::Co<void> stop();

  /// Several may watch; called on the loop.
  void watch(std::function<void(const LibraryEvent&)> watcher) {
    watchers_.push_back(std::move(watcher));
  }
  /// A document has changed on the disk, by whoever: connect to the hub's on_committed.
  void note_changed(const store::DocumentId& id);

  /// The document with that id, or the only one whose id begins so.
  rt::Co<Outcome<store::DocumentId>> resolve(std::string id);

  rt::Co<Outcome<store::ConversationPage>> list(store::ConversationSort sort, std::size_t limit,
                                                std::optional<std::string> after);
  rt::Co<Outcome<std::int64_t>> count();
  rt::Co<Outcome<ConversationView>> get(std::string id);
  rt::Co<Outcome<store::DocumentId>> create(std::string title);
  /// Lists a document that came from elsewhere, at once; `title` is used while it has none itself.
  rt::Co<Outcome<void>> adopt(store::DocumentId id, std::string title);
  rt::Co<Outcome<void>> rename(std::string id, std::string title);
  /// Returns the new turn's id.
  rt::Co<Outcome<std::string>> add_turn(std::string id, TurnRequest request);
  rt::Co<Outcome<void>> edit_turn(std::string id, std::string turn, std::string text);
  rt::Co<Outcome<void>> delete_turn(std::string id, std::string turn);
  rt::Co<Outcome<void>> set_current(std::string id, std::string turn);
  /// Deletes it with everything that belongs to it only.
  rt::Co<Outcome<void>> remove(std::string id);
  rt::Co<Outcome<store::SearchResult>> search(store::SearchRequest request);
  rt::Co<Outcome<std::int64_t>> index_pending();
  /// Writes it to `sink`, which is called on the loop.
  rt::Co<Outcome<void>> export_to(std::string id, ExportFormat format, TextSink sink,
                                  ExportOptions options = {});

  /// Imports, and returns when it is done.
  rt::Co<Outcome<ImportOutcome>> import_now(std::string path);
  /// Begins an import in the background; one at a time. `done` is called at its end (to delete an
  /// uploaded file).
  Outcome<std::uint64_t> start_import(std::string path, std::function<void()> done = {});
  /// Errors: not_found.
  Outcome<JobStatus> job(std::uint64_t id) const;
  Outcome<void> cancel_job(std::uint64_t id);

 private:
  using Body = std::function<Result<void>(crdt::Doc&)>;

  rt::Co<Outcome<void>> edit(std::string id, std::string doing, Body body);
  rt::Co<Result<void>> refresh_row(store::DocumentId id, Conversation conversation);
  rt::Co<void> run_job(std::uint64_t id, std::string path, std::function<void()> done);
  void finish_job(std::uint64_t id, Outcome<ImportOutcome> outcome);
  void tell(const LibraryEvent& event);
  rt::WallMs now() const { return parts_.loop.clock().wall_now_ms(); }

  Parts parts_;
  LibraryOptions options_;
  Indexer indexer_;
  rt::TaskGroup tasks_;
  std::vector<std::function<void(const LibraryEvent&)>> watchers_;
  std::map<std::uint64_t, JobStatus> jobs_;
  std::uint64_t next_job_ = 1;
  ImportJob* running_ = nullptr;
  std::uint64_t starting_ = 0;  ///< the job whose task has not begun
};

/// How to tell a person that an id fits several.
Problem ambiguous_id(const std::string& id, const std::vector<store::DocumentId>& candidates);

}  // namespace vivim::chat
