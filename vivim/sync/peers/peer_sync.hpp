#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vivim/libp2p/host/host.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/sync/peers/peer_link.hpp"

namespace vivim::sync {

/// The versions that are spoken, the best first.
inline constexpr std::string_view k_sync_protocol = "/vivim/sync/1.2.0";
inline constexpr std::string_view k_sync_protocol_1_1 = "/vivim/sync/1.1.0";
inline constexpr std::string_view k_sync_protocol_1_0 = "/vivim/sync/1.0.0";

/// How a joined document is doing.
enum class JoinState : std::uint8_t {
  waiting,  ///< not connected (yet)
  opened,   ///< accepted, what the other has is on its way
  synced,   ///< what the other had is here; edits flow
  refused,  ///< the other does not share it (any more)
};

/// "waiting", "opened", "synced" or "refused".
std::string_view to_string(JoinState state);

/// What is known of a joined document's connection to the node that shares it.
struct JoinStatus {
  JoinState state = JoinState::waiting;
  std::string detail;
};

/// How far a joined document is.
struct SyncProgress {
  store::DocumentId document;
  multiformats::PeerId peer;  ///< that shares it
  JoinState state = JoinState::waiting;
  std::uint64_t updates = 0;  ///< that came from the peer since the link began
  std::uint64_t bytes = 0;    ///< of them
};

/// So often the progress of one document is told while it is on its way.
inline constexpr auto k_progress_interval = std::chrono::milliseconds(100);

/// Keeps documents in sync with peers: answers those who come with a grant, and keeps a link to
/// every peer whose document this node has joined, reconnecting with back-off. One link a peer
/// (docs/protocol/sync.md).
class PeerSync {
 public:
  PeerSync(LinkContext context, libp2p::Host& host);
  ~PeerSync();

  /// Serves the protocol, and begins to connect for every joined grant in the store. Errors: the
  /// store's.
  rt::Co<Result<void>> start();
  /// Begins (or goes on) to sync a document that this node joined. Errors: bad_ticket (no address
  /// with a peer id), too_many_documents.
  Result<void> add(const store::GrantRow& grant);
  /// Forgets a joined grant and closes its channel.
  void remove(const store::GrantId& grant);
  /// Closes what was opened by grants that this node made.
  void revoke(const std::vector<store::GrantId>& grants);

  /// Hears when a joined document is opened, synced, refused or waits again, and now and then how
  /// far it is in between. Must not await. Before start().
  void on_progress(std::function<void(const SyncProgress&)> hear) {
    on_progress_ = std::move(hear);
  }

  JoinStatus status(const store::GrantId& grant) const;
  /// Resumes when the grant is synced or refused, or `timeout` has passed; then what it is.
  rt::Co<JoinStatus> wait_joined(store::GrantId grant, rt::Duration timeout);

  /// Peers that have `document` open with us.
  std::vector<multiformats::PeerId> peers_of(const store::DocumentId& document) const;

  /// Takes no more links, and says goodbye on those there are; resumes when they have ended, after
  /// two seconds at most.
  rt::Co<void> say_goodbye();
  /// Ends. The host must have been stopped before, which ends the dials and handlers that are under
  /// way.
  rt::Co<void> stop();

 private:
  /// Somebody whose documents this node joined.
  struct Remote {
    std::vector<multiformats::Multiaddr> addresses;
    std::map<store::GrantId, store::GrantRow> grants;
    std::unique_ptr<rt::Timer> timer;
    std::unique_ptr<rt::Event> ended;  ///< set while there is no link
  };
  struct Joined {
    multiformats::PeerId peer;
    JoinStatus status;
    store::DocumentId document;
    std::uint64_t updates = 0;
    std::uint64_t bytes = 0;
    rt::TimePoint told{};
  };

  std::vector<std::string> protocols() const;
  rt::Co<void> serve(libp2p::InboundStream inbound);
  rt::Co<void> keep_linked(multiformats::PeerId peer);
  rt::Co<bool> dial(multiformats::PeerId peer);
  rt::Co<void> run_link(multiformats::PeerId peer, std::unique_ptr<rt::Stream> stream, Side side,
                        Version version);
  bool yields_to(const multiformats::PeerId& peer, Side existing, Side incoming) const;
  void open_joined(const multiformats::PeerId& peer, PeerLink& link);
  void note_received(const store::GrantId& grant, std::size_t bytes);
  void tell(Joined& joined);
  void note(const store::GrantId& grant, OpenOutcome outcome, std::string_view detail);

  LinkContext context_;
  libp2p::Host& host_;
  multiformats::PeerId own_;
  std::map<multiformats::PeerId, Remote> remotes_;
  std::map<store::GrantId, Joined> joined_;
  std::map<multiformats::PeerId, PeerLink*> links_;  ///< the link that counts, of each peer
  std::vector<PeerLink*> running_;                   ///< all, those that lost to another included
  std::function<void(const SyncProgress&)> on_progress_;
  rt::Event changed_;  ///< pulsed when a status changes
  rt::Event quiet_;    ///< set while no link runs
  bool leaving_ = false;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::sync
