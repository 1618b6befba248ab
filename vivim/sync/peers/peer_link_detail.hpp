#pragma once

#include <optional>
#include <set>
#include <utility>

#include "vivim/crdt/update_split.hpp"
#include "vivim/sync/peers/peer_link.hpp"

namespace vivim::sync {

/// One document on this link: passes what the document says to the session.
class PeerLink::Channel final : public Subscriber {
 public:
  Channel(PeerLink& link, ChannelId id, DocumentLease lease, store::GrantId grant)
      : grant(grant), link_(link), id_(id), lease_(std::move(lease)) {}
  ~Channel() override { detach(); }

  Result<void> attach(SubscriberPeer peer) {
    VIVIM_TRY(subscription_, lease_->subscribe(*this, std::move(peer)));
    return {};
  }
  void ask_for_what_is_missing() { send(crdt::protocol::SyncType::step1, lease_->durable()); }

  void detach() {
    if (auto subscription = std::exchange(subscription_, std::nullopt)) {
      lease_->unsubscribe(*subscription);
    }
  }

  OpenDocument& document() { return *lease_; }
  std::optional<SubscriberId> subscription() const { return subscription_; }

  void on_update(BytesView update) override { send(crdt::protocol::SyncType::update, update); }
  void on_signed(BytesView envelope, BytesView update) override {
    if (!link_.session_.knows_envelopes()) {
      on_update(update);
      return;
    }
    link_.session_.send_signed(id_, envelope);
    link_.flush();
  }
  void on_denied(std::string_view reason) override {
    link_.session_.send_denied(id_, reason);
    link_.flush();
  }
  // What is large comes in parts; the last of them is the answer.
  void on_step_two(BytesView update) override {
    if (update.size() <= k_update_part_bytes) {
      send(crdt::protocol::SyncType::step2, update);
    } else {
      const auto parts = crdt::split_update(update, k_update_part_bytes)
                             .value_or(std::vector<Bytes>{to_bytes(update)});
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const bool last = i + 1 == parts.size();
        send(last ? crdt::protocol::SyncType::step2 : crdt::protocol::SyncType::update, parts[i]);
      }
    }
    answering = false;
    link_.answered_.set();
    link_.answered_.reset();
  }
  void on_durable(BytesView state_vector) override {
    link_.session_.send_durable(id_, state_vector);
    link_.flush();
  }
  void on_awareness(BytesView update) override {
    link_.session_.send_awareness(id_, update);
    link_.flush();
  }
  void on_end(Reason reason, std::string_view detail) override {
    subscription_.reset();
    link_.answered_.set();
    link_.answered_.reset();
    link_.session_.close(id_, reason, detail);
    link_.flush();
  }

  store::GrantId grant;
  bool joined = false;                              ///< we asked for it
  store::Access own_access = store::Access::write;  ///< what we may do at the peer
  bool synced = false;                              ///< the peer's first answer came
  bool blocks_dirty = false;         ///< the document may refer to blocks that we lack
  std::optional<Bytes> step_one;     ///< the peer's state vector, to be answered
  std::vector<store::BlobId> wants;  ///< blocks that the peer asked for, at most k_want_blocks_max
  bool questioning = false;          ///< it stands in the link's queue of questions
  bool answering = false;            ///< its document is making the answer
  std::set<store::BlobId> wanted;    ///< asked for, at most blocks_outstanding_max
  std::set<store::BlobId> unavailable;  ///< the peer does not have them

 private:
  void send(crdt::protocol::SyncType type, BytesView payload) {
    link_.session_.send_sync(id_, type, payload);
    link_.flush();
  }

  PeerLink& link_;
  ChannelId id_;
  DocumentLease lease_;
  std::optional<SubscriberId> subscription_;
};

}  // namespace vivim::sync
