#include "vivim/libp2p/gossipsub/router_detail.hpp"
#include "vivim/libp2p/gossipsub/signature.hpp"

namespace vivim::libp2p::gossipsub {

Result<void> Router::receive(PeerIndex from, BytesView rpc, rt::TimePoint now) {
  Peer& peer = at(from);
  ++stats_.rpcs;
  if (unheard(peer)) {
    ++stats_.graylisted;
    return {};
  }
  if (auto read = wire::decode(rpc, rpc_); !read) {
    ++stats_.malformed;
    score_.penalize(*peer.record, 1);
    return read;
  }
  take_extensions(peer);
  take_subscriptions(peer);
  for (const wire::MessageView& view : rpc_.publish) {
    // A bad message may be one too many: then the rest, thousands perhaps, is not checked.
    if (!take_message(peer, view, now) && unheard(peer)) {
      ++stats_.graylisted;
      flush_all();
      return {};
    }
  }
  if (peer.protocol != Protocol::floodsub) {
    take_control(peer, now);
    take_partial(peer);
  }
  flush_all();
  return {};
}

/// Nothing is read of a peer with so bad a score.
bool Router::unheard(const Peer& peer) const {
  return !peer.is_explicit && score_of(peer) < options_.score.thresholds.graylist;
}

/// They come with the first RPC and never again (gossipsub-v1.3).
void Router::take_extensions(Peer& peer) {
  const bool first = !peer.greeted_us;
  peer.greeted_us = true;
  if (!rpc_.extensions) {
    return;
  }
  if (first) {
    peer.partial = rpc_.extensions->partial_messages && peer.protocol >= Protocol::v1_3;
  } else {
    score_.penalize(*peer.record, 1);
  }
}

void Router::take_subscriptions(Peer& peer) {
  for (const wire::Subscription& subscription : rpc_.subscriptions) {
    take_subscription(peer, subscription);
  }
}

void Router::take_subscription(Peer& peer, const wire::Subscription& subscription) {
  Topic* known = find_topic(subscription.topic);
  const bool had = known != nullptr && known->peers.contains(peer.index);
  if (!subscription.subscribe) {
    if (had) {
      emit(PeerSubscribed{.peer = peer.id, .topic = known->name, .subscribed = false});
      drop_subscription(peer, *known);
    }
    return;
  }
  if (!had && !add_subscription(peer, subscription.topic)) {
    return;
  }
  Topic& topic = *find_topic(subscription.topic);
  topic.partial.erase(peer.index);
  if (peer.partial && (subscription.requests_partial || subscription.supports_partial)) {
    topic.partial[peer.index] = subscription.requests_partial;
  }
}

bool Router::add_subscription(Peer& peer, std::string_view name) {
  const bool room = peer.topics.size() < options_.limits.topics_per_peer_max &&
                    (find_topic(name) != nullptr ||
                     topics_.size() - own_topics_ < options_.limits.topics_of_peers_max);
  if (name.empty() || name.size() > k_topic_bytes_max || !room) {
    ++stats_.subscriptions_refused;
    return false;
  }
  Topic& topic = make_topic(name);
  topic.peers.insert(peer.index);
  peer.topics.push_back(&topic);
  if (peer.is_explicit || peer.protocol == Protocol::floodsub) {
    topic.always.insert(peer.index);
  }
  emit(PeerSubscribed{.peer = peer.id, .topic = topic.name, .subscribed = true});
  return true;
}

void Router::drop_subscription(Peer& peer, Topic& topic) {
  drop_from_mesh(peer, topic);
  topic.peers.erase(peer.index);
  topic.always.erase(peer.index);
  topic.fanout.erase(peer.index);
  topic.pushed.erase(peer.index);
  topic.partial.erase(peer.index);
  for (auto& [id, group] : topic.groups) {
    group.told.erase(peer.index);
  }
  std::erase(peer.topics, &topic);
  drop_topic_if_unused(topic);
}

/// False: it counts against the peer.
bool Router::take_message(Peer& peer, const wire::MessageView& view, rt::TimePoint now) {
  ++stats_.received;
  Topic* topic = find_topic(view.topic.value_or(std::string_view()));
  if (topic == nullptr || !topic->subscribed) {
    ++stats_.unwanted;
    return true;
  }
  if (!check_fields(options_.policy, view)) {
    reject(peer, *topic);
    return false;
  }
  id_scratch_.clear();
  append_id(options_.ids, options_.policy, view, id_scratch_);
  const MessageKey key = key_of(id_scratch_);
  if (const SeenCache::Entry* seen = seen_.find(key)) {
    return duplicate(peer, *topic, key, seen->fate, now);
  }
  const MessagePtr message = Message::make(view, id_scratch_, key);
  // Not remembered before its signature is good: else anybody could take a message's place.
  if (options_.policy == SignaturePolicy::strict_sign && !verify(*message, verify_scratch_)) {
    reject(peer, *topic);
    return false;
  }
  fulfil(key);
  if (same_bytes(message->from(), self_.bytes())) {
    // Ours, from before a restart: nobody is to blame, and it is no news.
    seen_.add(key, Fate::ignored, now);
    ++stats_.ignored;
    return true;
  }
  if (topic->options.validate && !has_room(*topic, *message)) {
    // Taken when it comes once more, from the mesh or after an IHAVE: nobody is told that we have
    // it.
    ++stats_.ignored;
    return true;
  }
  seen_.add(key, Fate::waiting, now);
  tell_unwanted(peer, *topic, message);
  begin_validation(peer, *topic, message, now);
  return true;
}

bool Router::duplicate(Peer& peer, Topic& topic, const MessageKey& key, Fate fate,
                       rt::TimePoint now) {
  ++stats_.duplicates;
  if (fate == Fate::rejected) {
    score_.invalid_message(*peer.record, topic.number);
    return false;
  }
  if (fate == Fate::waiting) {
    const auto found = waiting_.find(key);
    if (found != waiting_.end() && found->second.source != peer.id &&
        std::ranges::find(found->second.others, peer.id) == found->second.others.end()) {
      found->second.others.push_back(peer.id);
    }
  } else if (const auto near = near_.find(key); near != near_.end() && now <= near->second.until) {
    auto& counted = near->second.peers;
    if (std::ranges::find(counted, peer.index) == counted.end()) {
      counted.push_back(peer.index);
      score_.near_delivery(*peer.record, topic.number);
    }
  }
  return true;
}

void Router::reject(Peer& peer, Topic& topic) {
  ++stats_.rejected;
  score_.invalid_message(*peer.record, topic.number);
}

}  // namespace vivim::libp2p::gossipsub
