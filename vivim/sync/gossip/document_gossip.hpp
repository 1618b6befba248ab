#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vivim/libp2p/gossipsub/service.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/store/grants.hpp"
#include "vivim/sync/document_hub.hpp"
#include "vivim/sync/gossip/sealed_update.hpp"

namespace vivim::sync {

/// Documents in topics at once; further ones are synced directly alone.
inline constexpr std::size_t k_gossiped_documents_max = 1024;
/// Grants of one document that an edit is sealed under.
inline constexpr std::size_t k_grants_per_document_max = 8;

/// Sends the edits of shared documents to everybody who has them open and holds a grant, and takes
/// theirs: gossip, sealed under the grant. What does not arrive comes by direct sync; what arrives
/// twice changes nothing. One loop.
class DocumentGossip {
 public:
  /// All must outlive this.
  DocumentGossip(rt::Loop& loop, rt::Rng& rng, DocumentHub& hub);
  ~DocumentGossip();
  DocumentGossip(const DocumentGossip&) = delete;
  DocumentGossip& operator=(const DocumentGossip&) = delete;

  /// From now on there is gossip. The service must outlive stop().
  void attach(libp2p::gossipsub::Service& service);
  /// The documents that are shared are those of these grants, and no others; grants that were
  /// revoked or have no secret do not count.
  rt::Co<void> set_grants(std::vector<store::GrantRow> grants);
  /// Leaves all topics and releases all documents. Before the hub stops.
  rt::Co<void> stop();

  /// Documents that are in their topics.
  std::size_t documents() const { return documents_.size(); }
  /// Updates that came and were integrated, and edits that were sent.
  std::uint64_t received() const { return received_; }
  std::uint64_t sent() const { return sent_; }

 private:
  struct Shared;
  struct Sealed {
    UpdateSeal seal;
    store::Access access{};
  };
  using Seals = std::map<store::GrantId, Sealed>;

  rt::Co<void> add(store::DocumentId document, Seals seals);
  void forget(const store::DocumentId& document);
  void on_event(const libp2p::gossipsub::Event& event);
  void take(Shared& shared, const libp2p::gossipsub::ToValidate& waiting);
  rt::Co<void> integrate(std::shared_ptr<Shared> shared);
  void send(Shared& shared, UpdateForm form, BytesView update);
  crypto::AeadNonce nonce();

  rt::Loop& loop_;
  rt::Rng& rng_;
  DocumentHub& hub_;
  libp2p::gossipsub::Service* service_ = nullptr;
  libp2p::Subscription observed_;
  std::map<store::DocumentId, std::shared_ptr<Shared>> documents_;
  std::map<std::string, std::shared_ptr<Shared>, std::less<>> by_topic_;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  bool stopping_ = false;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::sync
