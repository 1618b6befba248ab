#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vivim/base/problem.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/sync/peers/peer_sync.hpp"
#include "vivim/sync/ticket.hpp"

namespace vivim::sync {

/// What `join` gave.
struct Joined {
  store::DocumentId document;
  std::string title;
  JoinStatus
      status;  ///< waiting: the other node could not be reached; it is tried again until it can
};

/// Who may open a document, and who has it open.
struct Shares {
  std::vector<store::GrantRow> grants;
  std::vector<multiformats::PeerId> peers;
};

/// Tickets: making them, following them, taking them back. For people, so everything fails with a
/// Problem.
class Sharing {
 public:
  /// How long `join` waits for the document before it says that it is on its way.
  static constexpr rt::Duration k_join_wait = std::chrono::seconds(15);

  Sharing(rt::Loop& loop, rt::Rng& rng, store::Store& store, DocumentHub& hub, PeerSync& peers,
          libp2p::Host& host);

  /// A ticket for a document of this node. Problems: not_found, unavailable (the node listens
  /// nowhere), refused (this node may not do what the ticket would permit).
  rt::Co<Outcome<Ticket>> share(store::DocumentId document, std::string title,
                                store::Access access = store::Access::write);
  /// Gets a document by its ticket, and keeps it in sync from now on. Problems: bad_input (not a
  /// ticket), refused (the ticket was revoked), conflict (the document is this node's own).
  rt::Co<Outcome<Joined>> join(std::string text);
  /// Revokes every ticket that this node made for the document, and closes what they opened.
  /// Returns how many.
  rt::Co<Outcome<std::size_t>> unshare(store::DocumentId document);
  rt::Co<Outcome<Shares>> shares(store::DocumentId document);
  /// Stops syncing a joined document, before it is deleted here.
  rt::Co<Outcome<void>> leave(store::DocumentId document);

 private:
  rt::Co<Outcome<void>> admit(const Ticket& ticket, const store::GrantRow& grant);
  rt::Co<void> withdraw(store::DocumentId document);

  rt::Loop& loop_;
  rt::Rng& rng_;
  store::Store& store_;
  DocumentHub& hub_;
  PeerSync& peers_;
  libp2p::Host& host_;
};

}  // namespace vivim::sync
