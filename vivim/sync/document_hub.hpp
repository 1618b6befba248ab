#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "vivim/rt/rng.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/store/store.hpp"
#include "vivim/sync/open_document.hpp"

namespace vivim::sync {

class DocumentHub;

/// Keeps a document in memory while it lives. Movable; must not outlive the hub.
class DocumentLease {
 public:
  DocumentLease() = default;
  DocumentLease(DocumentLease&& other) noexcept
      : hub_(std::exchange(other.hub_, nullptr)),
        document_(std::exchange(other.document_, nullptr)) {}
  DocumentLease& operator=(DocumentLease&& other) noexcept;
  ~DocumentLease() { release(); }

  OpenDocument& operator*() const { return *document_; }
  OpenDocument* operator->() const { return document_; }
  explicit operator bool() const { return document_ != nullptr; }
  void release();

 private:
  friend class DocumentHub;
  DocumentLease(DocumentHub& hub, OpenDocument& document) : hub_(&hub), document_(&document) {}

  DocumentHub* hub_ = nullptr;
  OpenDocument* document_ = nullptr;
};

struct HubOptions {
  /// Documents that somebody holds open; one more is refused.
  std::size_t leased_max = 4096;
  /// Documents that nobody holds, kept because they may be wanted again soon.
  std::size_t idle_max = 64;
  /// Bytes of trees, of those documents that were read or edited; the others are their updates.
  std::size_t trees_bytes_max = std::size_t{256} << 20;
  /// When the log of a document is put together.
  store::CompactionPolicy compaction = {};
  /// Keys of roots whose values are nobody's own (which turn is shown first, when something
  /// changed): whoever may contribute may replace them.
  std::set<crdt::Place> common = {};
};

/// The open documents of a node: each is in memory at most once, whoever asks for it.
class DocumentHub {
 public:
  /// `key` is the node's, to sign what it writes in shared documents; without one nothing is
  /// signed.
  DocumentHub(rt::Loop& loop, store::Store& store, rt::Rng& rng, HubOptions options = {},
              std::optional<multiformats::PrivateKey> key = std::nullopt);
  ~DocumentHub();

  /// Opens a document, or shares the one that is open. Errors: too_many_documents, stopped, the
  /// store's not_found, and those of a damaged log.
  rt::Co<Result<DocumentLease>> open(store::DocumentId id);

  /// The document, if it is in memory.
  OpenDocument* find(const store::DocumentId& id);

  /// Ends it for everybody, before it is deleted or reloaded.
  void evict(const store::DocumentId& id, Reason reason, std::string_view detail);

  /// Called on the loop after each commit that changed a document.
  void on_committed(std::function<void(const store::DocumentId&)> observer) {
    observers_.push_back(std::move(observer));
  }

  /// Documents in memory, idle ones included.
  std::size_t size() const { return documents_.size(); }
  /// Those of them that have a tree.
  std::size_t trees() const { return residents_.size(); }

  /// Updates that were not taken since the start, of all documents.
  std::uint64_t refused() const { return refused_; }

  /// Ends all documents, and resumes when what they had is on disk and nobody holds a lease any
  /// more.
  rt::Co<void> stop();

 private:
  friend class DocumentLease;
  struct Slot {
    std::unique_ptr<OpenDocument> document;
    std::unique_ptr<rt::Event> loaded;
    std::optional<Error> error;
    std::size_t leases = 0;
    bool ready = false;
    std::list<store::DocumentId>::iterator idle;  ///< valid while ready and not leased
  };
  using Slots = std::unordered_map<store::DocumentId, std::unique_ptr<Slot>>;

  rt::Co<Result<DocumentLease>> load(store::DocumentId id);
  Result<DocumentLease> lease(Slot& slot);
  DocumentLease hold(Slot& slot);
  void release(OpenDocument& document);
  void trim_idle();
  bool leased() const;
  void retire(Slots::iterator at);
  rt::Co<void> expire_awareness();

  rt::Loop& loop_;
  store::Store& store_;
  rt::Rng& rng_;
  HubOptions options_;
  std::optional<multiformats::PrivateKey> key_;
  std::uint64_t refused_ = 0;
  crdt::ResidentDocs residents_;
  Slots documents_;
  std::list<store::DocumentId> idle_;  ///< longest idle first
  /// Evicted while they were leased or writing; they go when neither is so any more.
  std::vector<std::unique_ptr<Slot>> retired_;
  std::vector<std::function<void(const store::DocumentId&)>> observers_;
  std::unique_ptr<rt::Timer> awareness_timer_;
  rt::Event released_;  ///< pulsed when a lease ends
  rt::TaskGroup tasks_;
};

}  // namespace vivim::sync
