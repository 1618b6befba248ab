#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vivim/rt/rng.hpp"
#include "vivim/rt/stream.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/store/grants.hpp"
#include "vivim/store/store.hpp"
#include "vivim/sync/document_hub.hpp"
#include "vivim/sync/session.hpp"

namespace vivim::sync {

/// What peers may take of this node; each has a test (docs/limits.md).
struct PeerLimits {
  /// Peers that a link is kept to, because documents of theirs were joined.
  std::size_t remotes_max = 1024;
  /// Links at once, inbound ones included.
  std::size_t links_max = 2048;
  /// Bytes that may wait for a peer; one that takes them slower is sent away, and syncs again when
  /// it comes back.
  std::size_t backlog_bytes_max = std::size_t{128} << 20;
  /// Above this no more answers (states of documents, blocks) are put into the output until the
  /// peer has taken some.
  std::size_t answer_backlog_bytes_max = std::size_t{4} << 20;
  /// Blocks asked for and not yet answered, on one channel.
  std::size_t blocks_outstanding_max = 64;
};

/// What a link works with. All outlive it.
struct LinkContext {
  rt::Loop& loop;
  rt::Rng& rng;
  store::Store& store;
  DocumentHub& hub;
  Bytes own_peer;  ///< binary peer id
  std::string agent;
  /// The blocks that a document refers to; a joined document fetches them. May be empty.
  std::function<std::vector<store::BlobId>(crdt::Doc&)> blobs_of;
  PeerLimits limits = {};
  Version version_max = Version::v1_2;  ///< the best that is spoken
};

/// What became of a document that we asked the peer for.
enum class OpenOutcome : std::uint8_t {
  opened,   ///< the peer accepted; it syncs from now on
  synced,   ///< the peer's answer to our state vector is on our disk
  refused,  ///< the peer does not know the document or the grant (any more)
  failed,   ///< something else ended it; worth another try
};

/// One sync stream with one peer. Owned by whoever runs it; `run` returns when the stream has
/// ended.
class PeerLink {
 public:
  using OnOutcome = std::function<void(const store::GrantId&, OpenOutcome, std::string_view)>;

  PeerLink(const LinkContext& context, std::unique_ptr<rt::Stream> stream, Side side,
           Bytes other_peer, Version version);
  ~PeerLink();

  /// Moves bytes until the stream ends, and cleans up. The reason is the peer's or ours.
  rt::Co<Reason> run();

  /// Asks the peer for a document that this node joined.
  void open(const store::GrantRow& grant);
  /// Tells what becomes of every document that was asked for.
  void on_outcome(OnOutcome observer) { on_outcome_ = std::move(observer); }
  /// Tells of every update of those documents that the peer sent, and its bytes.
  void on_received(std::function<void(const store::GrantId&, std::size_t bytes)> observer) {
    on_received_ = std::move(observer);
  }

  /// Closes the channels that were opened by one of `grants`.
  void close_grants(const std::vector<store::GrantId>& grants, Reason reason,
                    std::string_view detail);
  /// Ends the stream after what is queued.
  void say_bye(Reason reason, std::string_view detail = {});
  /// Ends the stream at once; idempotent.
  void abort(Reason reason);

  Side side() const { return side_; }
  const std::string& agent() const { return agent_; }
  /// Documents open on this link.
  std::vector<store::DocumentId> documents() const;

 private:
  class Channel;
  /// A document on its way to being open here.
  struct Opening {
    store::GrantRow grant;
    DocumentLease lease;      ///< may be empty: then it is opened when it is needed
    bool state_sent = false;  ///< the peer has its state vector already
  };

  rt::Co<Result<void>> read();
  rt::Co<void> write();
  rt::Co<void> ask_for_documents();
  void ask_for(Opening opening);
  rt::Co<void> fetch_blocks();
  rt::Co<void> answer();
  rt::Co<void> answer_step_one(ChannelId id);
  rt::Co<std::optional<Bytes>> send_envelopes(ChannelId id, Bytes state_vector);
  rt::Co<void> answer_wants(ChannelId id);
  void ask(ChannelId id);
  rt::Co<void> handle_events();
  rt::Co<void> handle(Greeted event);
  rt::Co<void> handle(OpenRequested event);
  rt::Co<void> handle(ChannelOpened event);
  rt::Co<void> handle(StepOne event);
  rt::Co<void> handle(UpdateReceived event);
  rt::Co<void> handle(SignedReceived event);
  rt::Co<void> handle(DeniedReceived event);
  rt::Co<void> handle(AwarenessReceived event);
  rt::Co<void> handle(PeerDurable event);
  rt::Co<void> handle(BlocksWanted event);
  rt::Co<void> handle(BlockReceived event);
  rt::Co<void> handle(ChannelClosed event);
  rt::Co<void> handle(Bye event);

  rt::Co<std::optional<store::GrantRow>> valid_grant(store::GrantId id, store::DocumentId document);
  rt::Co<void> admit(OpenRequested event, const store::GrantRow& grant);
  rt::Co<void> note_access(ChannelId id, const store::GrantRow& grant, store::Access access);
  rt::Co<void> attach(ChannelId id, Opening opening, store::Access access);
  void detach(ChannelId id);
  void drop(ChannelId id, Reason reason, std::string_view detail);
  rt::Co<void> want_missing(ChannelId id);
  void note_received(Channel& channel, std::size_t bytes);
  void report(const store::GrantId& grant, OpenOutcome outcome, std::string_view detail);
  /// The session has output: wakes the writer, and sends a peer away that does not take it.
  void flush();
  void wake_all();
  rt::Co<void> output_room();

  const LinkContext& context_;
  std::unique_ptr<rt::Stream> stream_;
  Side side_;
  Bytes other_peer_;
  Session session_;
  std::string agent_;
  std::map<ChannelId, std::unique_ptr<Channel>> channels_;
  std::deque<store::GrantRow> to_ask_;  ///< at most k_channels_max
  std::map<ChannelId, Opening> asked_;
  std::deque<ChannelId> questions_;  ///< channels whose peer waits for an answer; each once
  OnOutcome on_outcome_;
  std::function<void(const store::GrantId&, std::size_t)> on_received_;
  rt::Event to_open_;     ///< there is something to ask for, or the link ends
  rt::Event output_;      ///< the session has something to send, or the link ends
  rt::Event taken_;       ///< the writer has taken something
  rt::Event questioned_;  ///< there are questions, or the link ends
  rt::Event answered_;    ///< pulsed when a document has given its answer, or a channel goes
  std::unique_ptr<rt::Timer> block_timer_;
  bool ending_ = false;
  Reason reason_ = Reason::done;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::sync
