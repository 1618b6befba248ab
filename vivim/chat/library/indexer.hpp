#pragma once

#include <chrono>
#include <functional>
#include <set>

#include "vivim/rt/loop.hpp"
#include "vivim/rt/wait.hpp"
#include "vivim/store/store.hpp"

namespace vivim::chat {

struct IndexerOptions {
  /// After a change it waits this long, so that somebody who types is indexed once, not at every
  /// key.
  rt::Duration settle = std::chrono::milliseconds(500);
  /// Documents and bytes of their logs that one step takes.
  std::size_t documents_max = 32;
  std::size_t bytes_max = 4 << 20;
};

/// Keeps the index and the rows of the list in step with the documents: works off the store's queue
/// in small steps, each giving way to other work, and queues what it is told has changed.
class Indexer {
 public:
  Indexer(rt::Loop& loop, store::Store& store, rt::Worker& worker, IndexerOptions options = {});

  /// Until stop(); give it to a TaskGroup.
  rt::Co<void> run();
  void stop();

  /// The document has changed, and that is on the disk.
  void note_changed(const store::DocumentId& id);
  /// Something was queued in the store directly.
  void wake() { work_.set(); }
  /// While paused nothing is indexed; what changes is queued.
  void pause() { paused_ = true; }
  void resume();

  /// One step; true if there was something to do. Errors: the store's.
  rt::Co<Result<bool>> step();

  /// Called on the loop after each step with the number of documents that wait.
  std::function<void(std::int64_t pending)> on_progress;
  /// Called on the loop when the row and the index show what note_changed() announced.
  std::function<void(const store::DocumentId&)> on_indexed;

 private:
  rt::Co<Result<void>> queue_changed();
  rt::Co<void> settle();
  void tell_indexed(const std::vector<store::DocumentId>& ids);

  rt::Loop& loop_;
  store::Store& store_;
  rt::Worker& worker_;
  IndexerOptions options_;
  rt::Event work_;
  std::unique_ptr<rt::Timer> timer_;
  std::set<store::DocumentId> changed_;    ///< not yet in the store's queue
  std::set<store::DocumentId> announced_;  ///< in it; on_indexed is owed
  bool paused_ = false;
  bool stopping_ = false;
};

}  // namespace vivim::chat
