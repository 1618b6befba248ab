#include "vivim/sync/gossip/document_gossip.hpp"

#include <deque>

#include "vivim/base/log.hpp"

namespace vivim::sync {

namespace gossipsub = libp2p::gossipsub;

/// A document in its topic.
struct DocumentGossip::Shared final : Subscriber {
  Shared(DocumentGossip& by, const store::DocumentId& document)
      : gossip(by), id(document), topic(gossip_topic(document)), arrived(by.loop_) {}

  void on_update(BytesView update) override { gossip.send(*this, UpdateForm::plain, update); }
  void on_signed(BytesView envelope, BytesView) override {
    gossip.send(*this, UpdateForm::signed_, envelope);
  }
  void on_denied(std::string_view) override { denied = true; }
  void on_step_two(BytesView) override {}
  void on_durable(BytesView) override {}
  void on_awareness(BytesView) override {}
  void on_end(Reason, std::string_view) override {
    subscribed = false;
    gossip.forget(id);
  }

  /// Lets its task end, which releases the document.
  void end() {
    ended = true;
    arrived.set();
  }

  struct Arrived {
    gossipsub::MessageKey key;
    store::Access access{};  ///< of the grant it is sealed under: who holds that may do as much
    GossipedUpdate update;
  };

  DocumentGossip& gossip;
  store::DocumentId id;
  std::string topic;
  Seals seals;
  DocumentLease lease;
  SubscriberId subscription{};
  bool subscribed = false;
  bool denied = false;  ///< what was just received was not taken
  bool ended = false;
  std::deque<Arrived> inbox;  ///< bounded by the router's queue of the topic
  rt::Event arrived;
};

DocumentGossip::DocumentGossip(rt::Loop& loop, rt::Rng& rng, DocumentHub& hub)
    : loop_(loop), rng_(rng), hub_(hub), tasks_(loop) {}

DocumentGossip::~DocumentGossip() = default;

void DocumentGossip::attach(gossipsub::Service& service) {
  service_ = &service;
  observed_ = service.observe([this](const gossipsub::Event& event) { on_event(event); });
}

rt::Co<void> DocumentGossip::set_grants(std::vector<store::GrantRow> grants) {
  std::map<store::DocumentId, Seals> wanted;
  for (const store::GrantRow& grant : grants) {
    auto seal = UpdateSeal::make(grant.document, grant.id, grant.secret);
    Seals& seals = wanted[grant.document];
    if (seal && !grant.revoked && seals.size() < k_grants_per_document_max) {
      seals.emplace(grant.id, Sealed{.seal = std::move(*seal), .access = grant.access});
    }
  }
  std::erase_if(wanted, [](const auto& entry) { return entry.second.empty(); });
  std::vector<store::DocumentId> gone;
  for (const auto& [document, shared] : documents_) {
    if (!wanted.contains(document)) {
      gone.push_back(document);
    }
  }
  for (const store::DocumentId& document : gone) {
    forget(document);
  }
  for (auto& [document, seals] : wanted) {
    if (const auto known = documents_.find(document); known != documents_.end()) {
      known->second->seals = std::move(seals);
    } else if (!stopping_ && service_ != nullptr && documents_.size() < k_gossiped_documents_max) {
      co_await add(document, std::move(seals));
    }
  }
}

rt::Co<void> DocumentGossip::add(store::DocumentId document, Seals seals) {
  auto lease = co_await hub_.open(document);
  if (!lease || stopping_ || documents_.contains(document)) {
    co_return;
  }
  auto shared = std::make_shared<Shared>(*this, document);
  shared->seals = std::move(seals);
  shared->lease = std::move(*lease);
  const auto subscription = shared->lease->subscribe(*shared, SubscriberPeer{});
  if (!subscription) {
    co_return;
  }
  shared->subscription = *subscription;
  shared->subscribed = true;
  if (const auto joined = service_->subscribe(shared->topic, {.validate = true}); !joined) {
    log::write(
        log::Level::warning, "sync", "a document is not gossiped",
        {{"document", document.to_text()}, {"error", std::string_view(joined.error().message())}});
    shared->lease->unsubscribe(shared->subscription);
    co_return;
  }
  documents_.emplace(document, shared);
  by_topic_.emplace(shared->topic, shared);
  tasks_.spawn("document gossip", integrate(std::move(shared)));
}

void DocumentGossip::forget(const store::DocumentId& document) {
  const auto found = documents_.find(document);
  if (found == documents_.end()) {
    return;
  }
  const auto shared = found->second;
  by_topic_.erase(shared->topic);
  documents_.erase(found);
  service_->unsubscribe(shared->topic, gossipsub::Service::Role::judges);
  shared->end();
}

rt::Co<void> DocumentGossip::stop() {
  stopping_ = true;
  observed_ = {};
  while (!documents_.empty()) {
    forget(store::DocumentId(documents_.begin()->first));
  }
  co_await tasks_.stop();
}

void DocumentGossip::on_event(const gossipsub::Event& event) {
  const auto* waiting = std::get_if<gossipsub::ToValidate>(&event);
  if (waiting == nullptr) {
    return;
  }
  if (const auto found = by_topic_.find(waiting->message->topic()); found != by_topic_.end()) {
    take(*found->second, *waiting);
  }
}

/// Whoever can open a message answers for it; one under a grant that we do not hold is passed on
/// for those who do.
void DocumentGossip::take(Shared& shared, const gossipsub::ToValidate& waiting) {
  const gossipsub::MessageKey key = waiting.message->key();
  const auto grant = grant_of(waiting.message->data());
  const auto seal = grant ? shared.seals.find(*grant) : shared.seals.end();
  if (seal == shared.seals.end()) {
    (void)service_->validated(key, grant ? gossipsub::Verdict::accept : gossipsub::Verdict::reject);
    return;
  }
  auto update = seal->second.seal.open(waiting.message->data());
  if (!update) {
    (void)service_->validated(key, gossipsub::Verdict::reject);
    return;
  }
  shared.inbox.push_back({.key = key, .access = seal->second.access, .update = std::move(*update)});
  shared.arrived.set();
}

/// Integrates what arrives as fast as the disk takes it, and only then lets it pass on.
rt::Co<void> DocumentGossip::integrate(std::shared_ptr<Shared> shared) {
  while (!shared->ended) {
    if (shared->inbox.empty()) {
      shared->arrived.reset();
      co_await shared->arrived.wait();
      continue;
    }
    co_await shared->lease->room();
    if (shared->ended) {
      break;
    }
    const auto [key, access, update] = std::move(shared->inbox.front());
    shared->inbox.pop_front();
    shared->lease->set_access(shared->subscription, access);
    const auto taken = update.form == UpdateForm::signed_
                           ? shared->lease->receive_signed(shared->subscription, update.bytes)
                           : shared->lease->receive(shared->subscription, update.bytes);
    if (!taken) {
      (void)service_->validated(key, gossipsub::Verdict::reject);
    } else if (std::exchange(shared->denied, false)) {
      (void)service_->validated(key,
                                gossipsub::Verdict::ignore);  // its sender may relay in good faith
    } else {
      ++received_;
      (void)service_->validated(key, gossipsub::Verdict::accept);
    }
  }
  // The router counts what waits for a verdict, also when the topic is joined once more.
  for (const Shared::Arrived& left : shared->inbox) {
    (void)service_->validated(left.key, gossipsub::Verdict::ignore);
  }
  if (shared->subscribed) {
    shared->lease->unsubscribe(shared->subscription);
  }
  shared->lease.release();
}

void DocumentGossip::send(Shared& shared, UpdateForm form, BytesView update) {
  for (auto& [grant, sealed] : shared.seals) {
    // What is too large for gossip goes by direct sync.
    sent_ += service_->publish(shared.topic, sealed.seal.seal(form, update, nonce())) ? 1 : 0;
  }
}

crypto::AeadNonce DocumentGossip::nonce() {
  crypto::AeadNonce fresh{};
  rng_.fill(fresh);
  return fresh;
}

}  // namespace vivim::sync
