#pragma once

#include <algorithm>

#include "vivim/libp2p/gossipsub/router.hpp"

namespace vivim::libp2p::gossipsub {

/// Peers, in the order of their numbers.
class IndexSet {
 public:
  bool contains(PeerIndex index) const { return std::ranges::binary_search(items_, index); }
  bool insert(PeerIndex index) {
    const auto place = std::ranges::lower_bound(items_, index);
    if (place != items_.end() && *place == index) {
      return false;
    }
    items_.insert(place, index);
    return true;
  }
  bool erase(PeerIndex index) {
    const auto place = std::ranges::lower_bound(items_, index);
    if (place == items_.end() || *place != index) {
      return false;
    }
    items_.erase(place);
    return true;
  }
  void clear() { items_ = std::vector<PeerIndex>(); }
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  /// To go through while it changes.
  std::vector<PeerIndex> copy() const { return items_; }

 private:
  std::vector<PeerIndex> items_;
};

struct Router::Peer {
  Peer(PeerIndex index_, const PeerId& id_, Score::Record& record_, const QueueLimits& limits)
      : index(index_), id(id_), record(&record_), queue(limits) {}

  PeerIndex index;
  PeerId id;
  Score::Record* record;
  Protocol protocol = Protocol::v1_1;
  bool outbound = false;
  bool is_explicit = false;
  bool writable = false;    ///< in Router::writable_
  bool pending = false;     ///< in Router::pending_
  bool overloaded = false;  ///< told
  bool foreign = false;     ///< told
  bool greeted_us = false;  ///< its first RPC came
  bool partial = false;     ///< it speaks of partial messages
  OutboundQueue queue;
  std::vector<Topic*> topics;  ///< that it subscribed to
  Bytes subscriptions;         ///< fields that are not framed yet
  Bytes control;
  Bytes gossip;                   ///< of a heartbeat: IHAVEs that are not framed yet
  std::size_t gossip_frames = 0;  ///< of a heartbeat
  TurningCounts unwanted;         ///< messages it told us not to send
  TurningCounts served;           ///< on its IWANTs
  std::size_t ihave_rpcs = 0;     ///< since the heartbeat
  std::size_t ihave_ids = 0;      ///< looked at, since the heartbeat
  std::size_t asked = 0;          ///< ids, since the heartbeat
  std::uint32_t asks_since = 0;   ///< the moment before which it was asked nothing
  std::size_t idontwant_ids = 0;  ///< since the heartbeat
  Bytes signed_record;
};

struct Router::Topic {
  struct Backoff {
    rt::TimePoint until;
    rt::TimePoint pruned;
  };
  /// Of partial messages.
  struct Group {
    std::size_t ticks = 0;           ///< heartbeats left
    std::optional<PeerId> begun_by;  ///< absent: by us
    IndexSet told;
  };

  std::string name;
  TopicNumber number = 0;
  bool subscribed = false;
  bool fanned_out = false;
  TopicOptions options = {};
  IndexSet peers = {};   ///< that subscribed to it
  IndexSet always = {};  ///< of these, explicit ones and those of floodsub: get everything
  IndexSet mesh = {};
  IndexSet fanout = {};
  /// Outside the mesh, and get all: until which heartbeat.
  std::map<PeerIndex, std::uint64_t> pushed = {};
  rt::TimePoint fanout_used{};
  std::map<PeerId, Backoff> backoffs = {};
  std::map<PeerIndex, bool> partial = {};  ///< that speak of parts: whether they ask for them
  std::map<Bytes, Group> groups = {};
  std::vector<MessagePtr> recent = {};  ///< to gossip of, within a heartbeat
  std::size_t waiting = 0;
  std::size_t waiting_bytes = 0;
  std::size_t repairs = 0;   ///< since the heartbeat
  std::size_t admitted = 0;  ///< to a full mesh, since the heartbeat

  bool own() const { return subscribed || fanned_out; }
};

/// It asked for parts, and we send them: whole messages would be twice the same. Here, as every
/// message to every peer asks.
inline bool Router::wants_parts(const Topic& topic, const Peer& peer) const {
  if (topic.options.partial == PartialMode::none || !peer.partial) {
    return false;
  }
  const auto found = topic.partial.find(peer.index);
  return found != topic.partial.end() && found->second;
}

/// A message that waits for its verdict.
struct Router::Waiting {
  MessagePtr message;
  PeerId source;
  std::vector<PeerId> others = {};  ///< who brought it too
};

/// Who brought an accepted message at nearly the same time.
struct Router::Near {
  rt::TimePoint until;
  std::vector<PeerIndex> peers = {};
};

}  // namespace vivim::libp2p::gossipsub
