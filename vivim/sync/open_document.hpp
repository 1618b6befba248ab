#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/recent.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/awareness.hpp"
#include "vivim/crdt/lazy_doc.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"
#include "vivim/store/documents.hpp"
#include "vivim/store/ids.hpp"
#include "vivim/store/store.hpp"
#include "vivim/sync/authorship.hpp"
#include "vivim/sync/subscriber.hpp"

namespace vivim::sync {

/// Updates of one document that are remembered while it waits for others.
inline constexpr std::size_t k_told_max = 4096;

/// Bytes of updates that may wait for the disk before senders have to wait too (`room`).
inline constexpr std::size_t k_backlog_bytes_max = std::size_t{8} << 20;
/// Subscribers of one document.
inline constexpr std::size_t k_subscribers_max = 1024;

/// Who subscribes, if not a guest of this node.
struct SubscriberPeer {
  Bytes peer;                                  ///< binary peer id
  store::Access access = store::Access::read;  ///< what it may do here
};

/// What an open document shares with the others of its hub.
struct DocumentContext {
  rt::TaskGroup& tasks;
  store::Store& store;
  crdt::ResidentDocs& residents;
  const multiformats::PrivateKey* key = nullptr;  ///< this node's, to sign with
  std::uint64_t& refused;                         ///< counts the updates that were not taken
  store::CompactionPolicy compaction = {};
  const std::set<crdt::Place>& common;  ///< HubOptions::common
};

/// A document in memory: the one place where its edits meet. It keeps the rule of
/// docs/protocol/sync.md: what was received or edited is integrated at once, appended to the log,
/// and only when it is on disk relayed and called durable. Lives on one loop; owned by a
/// DocumentHub. If the disk fails, the document ends for everybody and is read anew.
class OpenDocument {
 public:
  /// `session` is random; it makes the client id where there is a key, else it is the client id.
  OpenDocument(store::DocumentId id, std::uint64_t session, const DocumentContext& context);
  ~OpenDocument();

  /// Reads the log. Errors: the store's, and decode errors of a damaged log.
  rt::Co<Result<void>> load();

  const store::DocumentId& id() const { return id_; }
  /// To read; edits go through `edit`. While updates are only passed on the document is bytes: this
  /// makes its tree, and is valid until the caller awaits something.
  crdt::Doc& doc();
  /// Whether it has a tree.
  bool resident() const { return doc_.resident(); }

  /// Who is no `peer` is a guest of this node: it may do what the node may. Errors:
  /// too_many_subscribers.
  Result<SubscriberId> subscribe(Subscriber& subscriber,
                                 std::optional<SubscriberPeer> peer = std::nullopt);
  /// What a peer that is subscribed may do from now on, for one who speaks for several.
  void set_access(SubscriberId subscriber, store::Access access);
  /// Its presence is withdrawn from the others. Idempotent.
  void unsubscribe(SubscriberId subscriber);
  std::size_t subscribers() const { return subscribers_.size(); }

  /// Whose the client ids are, and who may write (docs/protocol/sync.md#access).
  Authorship& authorship() { return authorship_; }
  /// Integrates an update of a subscriber, but for operations that need a signature. What is
  /// refused is counted, logged, and told to the subscriber by on_denied, and no error. Errors:
  /// crdt's decode errors. In both cases the document is unchanged.
  Result<void> receive(SubscriberId from, BytesView update);
  /// The same with a signed update (crdt/envelope), which is passed on as it came. Errors: those of
  /// envelopes too.
  Result<void> receive_signed(SubscriberId from, BytesView envelope);
  /// Answered by on_step_two, then on_durable. Errors: a malformed state vector.
  Result<void> answer_step_one(SubscriberId from, BytesView state_vector);
  /// Relays presence to the others. Errors: crdt's decode errors.
  Result<void> receive_awareness(SubscriberId from, BytesView update);
  /// The presence of everybody, as an awareness update.
  Bytes awareness() const { return awareness_.encode_all(); }
  /// Drops presence that was not renewed. Call it every few seconds.
  void expire_awareness();

  /// Goes on with what an update was too costly to do at once. Call it every few seconds.
  void go_on();

  /// Runs `body`, which edits in one transaction or more, and resumes when the edits are on disk.
  /// Errors: not_permitted, where this node may not do it: nothing has changed.
  rt::Co<Result<void>> edit(std::function<void(crdt::Doc&)> body);
  /// Resumes when everything integrated so far is on disk.
  rt::Co<Result<void>> flush();
  /// Resumes when the backlog is below its limit: await it before reading more from a subscriber.
  rt::Co<void> room();

  /// What is on disk, as a state vector.
  const Bytes& durable() const { return durable_; }
  /// How often a client was found to have written two things under one id (docs/protocol/yjs.md);
  /// the log says which, of the first, the second, the fourth and so on.
  std::uint64_t equivocations() const { return equivocations_; }
  bool busy() const { return writing_; }
  bool broken() const { return broken_.has_value(); }

  /// Ends it for all subscribers.
  void end(Reason reason, std::string_view detail);

  /// Called after each commit that changed the document.
  void on_committed(std::function<void(const store::DocumentId&)> observer) {
    on_committed_ = std::move(observer);
  }

 private:
  struct Entry {
    Subscriber* subscriber = nullptr;
    std::optional<SubscriberPeer> peer;
    std::uint64_t refused = 0;         ///< updates of it that were not taken
    std::set<crdt::ClientId> clients;  ///< whose presence came through it
  };
  struct Queued {
    Bytes update;
    SubscriberId from{};
    std::optional<store::Envelope> envelope;  ///< in which it came, or is sent on
  };
  struct Answer {
    SubscriberId to{};
    Bytes update;
  };
  struct Batch {
    std::vector<Queued> updates;
    std::vector<Answer> answers;
    Bytes state_vector;
    std::optional<Bytes> snapshot;  ///< to compact the log to, if that is due with these
  };

  /// Takes out of `news` what `came`, an update or its envelope, before in just these bytes.
  void drop_told(std::vector<Bytes>& news, BytesView update, BytesView came);
  void enqueue(std::vector<Bytes> updates, SubscriberId from,
               std::optional<store::Envelope> envelope = std::nullopt);
  std::vector<Bytes> by_hand(Bytes update) const;
  void enqueue_signing(std::vector<Bytes> updates, SubscriberId from);
  UpdateSource source_of(SubscriberId from) const;
  std::function<std::uint64_t(crdt::ClientId)> known_clocks();
  Result<Bytes> without_unsigned(const UpdateSource& source, BytesView update);
  Result<bool> permitted(const UpdateSource& source, BytesView update,
                         const crdt::UpdateExtent* extent = nullptr);
  Result<std::vector<Bytes>> try_edit(const std::function<void(crdt::Doc&)>& body);
  void refuse(const UpdateSource& source, const Error& why);
  void report_equivocations();
  void start_writing();
  rt::Co<void> write();
  rt::Co<Result<void>> append(const std::vector<Queued>& updates);
  rt::Co<void> compact(Bytes snapshot);
  rt::Co<void> consolidate_envelopes(BytesView snapshot, std::size_t small_min);
  Batch take_batch();
  void deliver(Batch batch);
  void break_down(const Error& error);
  void wake_waiters();
  void relay_awareness(const std::vector<crdt::ClientId>& clients, SubscriberId from);
  std::uint64_t now_ms() const;

  store::DocumentId id_;
  rt::TaskGroup& tasks_;
  store::Store& store_;
  const multiformats::PrivateKey* key_;
  std::uint64_t& refused_;
  store::CompactionPolicy compaction_;
  Authorship authorship_;
  crdt::LazyDoc doc_;
  /// Hashes of what was handed on while something was parked. Two nodes that lack the same would
  /// else send each other the same again and again.
  std::optional<Recent<Bytes, bool>> told_;
  crdt::Awareness awareness_;

  std::map<SubscriberId, Entry> subscribers_;
  std::uint64_t next_subscriber_ = 1;

  std::vector<Queued> queue_;
  std::size_t queued_bytes_ = 0;
  std::map<SubscriberId, Bytes>
      step_ones_;  ///< one unanswered state vector a subscriber: a newer one replaces it
  std::uint64_t queued_count_ = 0;
  std::uint64_t durable_count_ = 0;
  rt::Event progress_;
  bool writing_ = false;
  Bytes durable_;
  store::LogTail tail_;
  std::uint64_t last_seq_ = 0;
  std::uint64_t equivocations_ = 0;
  std::optional<Error> broken_;
  std::function<void(const store::DocumentId&)> on_committed_;
};

}  // namespace vivim::sync
