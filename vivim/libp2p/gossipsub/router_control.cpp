#include "vivim/libp2p/gossipsub/router_detail.hpp"

namespace vivim::libp2p::gossipsub {

void Router::take_control(Peer& peer, rt::TimePoint now) {
  take_ihave(peer, now);
  take_iwant(peer);
  for (const std::string_view topic : rpc_.graft) {
    // Each may be one too early, and is answered.
    if (unheard(peer)) {
      break;
    }
    take_graft(peer, topic, now);
  }
  for (const wire::Prune& prune : rpc_.prune) {
    take_prune(peer, prune, now);
  }
  take_idontwant(peer);
}

void Router::take_ihave(Peer& peer, rt::TimePoint now) {
  if (rpc_.ihave.empty() || score_of(peer) < options_.score.thresholds.gossip) {
    return;
  }
  // gossipsub-v1.1 "Flood protection": so much gossip is heard of a peer between two heartbeats.
  // Rust tells of each topic in an RPC of its own.
  const std::size_t rpcs_max = std::max(options_.limits.ihave_rpcs_max, peer.topics.size());
  if (++peer.ihave_rpcs > rpcs_max) {
    if (peer.ihave_rpcs > 2 * rpcs_max) {
      score_.penalize(*peer.record, 1);
    }
    return;
  }
  std::vector<BytesView> missing;
  for (const wire::IHave& told : rpc_.ihave) {
    Topic* topic = find_topic(told.topic);
    if (topic == nullptr || !topic->subscribed) {
      continue;
    }
    const std::size_t count =
        std::min(told.count, options_.limits.ihave_heard_max - peer.ihave_ids);
    peer.ihave_ids += count;
    for (std::size_t i = told.first; i < told.first + count; ++i) {
      if (wanted(peer, *topic, rpc_.ihave_ids[i])) {
        missing.push_back(rpc_.ihave_ids[i]);
      }
    }
  }
  stats_.ihave_ids += missing.size();
  if (!missing.empty()) {
    ask(peer, std::move(missing), now);
  }
}

bool Router::wanted(Peer& peer, Topic& topic, BytesView id) {
  if (id.size() > k_id_bytes_max || !can_be_id(options_.ids, options_.policy, id)) {
    note_foreign(peer, topic, id);
    return false;
  }
  const MessageKey key = key_of(id);
  return !seen_.contains(key) && may_ask(peer, key);
}

/// Who was asked holds one of few places until it has gone, breaks a promise, or three heartbeats
/// have passed: as long as a promise holds.
bool Router::holds_place(const Asked::Ask& ask) const {
  if (ask.moment == 0 || ask.moment < beats_.back()) {
    return false;
  }
  const auto& peer = peers_[static_cast<std::size_t>(ask.peer)];
  return peer && ask.moment >= peer->asks_since;
}

/// A peer is asked once. One place is for peers that we dialled: those that anybody can take, by
/// telling of a message and never sending it, are not all.
bool Router::may_ask(const Peer& peer, const MessageKey& message) const {
  const Asked::Asks* asks = asked_.find(message);
  if (asks == nullptr) {
    return true;
  }
  if (std::ranges::any_of(*asks, [&peer](const Asked::Ask& ask) {
        return ask.moment >= peer.asks_since && ask.peer == peer.index;
      })) {
    return false;
  }
  const auto held = static_cast<std::size_t>(
      std::ranges::count_if(*asks, [this](const Asked::Ask& ask) { return holds_place(ask); }));
  return held < options_.limits.asked_of_max + (peer.outbound ? 1 : 0);
}

void Router::take_place(const Peer& peer, const MessageKey& message) {
  Asked::Asks& asks = asked_.at(message);
  const auto place =
      std::ranges::find_if(asks, [this](const Asked::Ask& ask) { return !holds_place(ask); });
  if (place != asks.end()) {
    *place = {.peer = peer.index, .moment = moment_};
  }
}

/// What it was asked until now does not count any more.
void Router::forget_asks(Peer& peer) {
  peer.asks_since = ++moment_;
}

void Router::ask(Peer& peer, std::vector<BytesView> ids, rt::TimePoint now) {
  std::size_t room = options_.limits.ihave_ids_max - peer.asked;
  // Which ones shall not be the peer's choice, when it tells of more than we ask for.
  shuffle(ids);
  std::erase_if(ids, [this, &peer, &room](BytesView id) {
    const MessageKey key = key_of(id);
    if (room == 0 || !may_ask(peer, key)) {
      return true;
    }
    take_place(peer, key);
    --room;
    return false;
  });
  if (ids.empty()) {
    return;
  }
  peer.asked += ids.size();
  stats_.iwant_sent += ids.size();
  promises_[key_of(ids.front())].push_back(
      {.peer = peer.index, .until = now + options_.mesh.iwant_followup_time});
  std::size_t begin = 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i <= ids.size(); ++i) {
    if (i == ids.size() || bytes >= wire::k_control_bytes_max) {
      wire::append_iwant(control_for(peer), std::span(ids).subspan(begin, i - begin));
      begin = i;
      bytes = 0;
    }
    bytes += i < ids.size() ? wire::field_bytes(ids[i].size()) : 0;
  }
}

void Router::fulfil(const MessageKey& key) {
  if (!promises_.empty()) {
    promises_.erase(key);
  }
}

void Router::note_foreign(Peer& peer, Topic& topic, BytesView id) {
  if (!peer.foreign) {
    peer.foreign = true;
    emit(ForeignIds{.peer = peer.id,
                    .topic = topic.name,
                    .id = to_bytes(id.first(std::min(id.size(), k_id_bytes_max))),
                    .theirs = recognise_id(options_.policy, id)});
  }
}

void Router::take_iwant(Peer& peer) {
  if (rpc_.iwant.empty() || score_of(peer) < options_.score.thresholds.gossip) {
    return;
  }
  for (const BytesView id : rpc_.iwant) {
    const MessageKey key = key_of(id);
    const MessagePtr message = mcache_.find(key);
    if (!message || peer.served.get(key) >= options_.mesh.gossip_retransmission) {
      continue;
    }
    peer.served.add(key);
    // What does not fit is asked for again, of us or of others: no sign of a slow peer.
    if (peer.unwanted.get(key) == 0 && peer.queue.push(Lane::forward, message)) {
      ++stats_.iwant_served;
      wake(peer);
      if (Topic* topic = find_topic(message->topic())) {
        push_to_asker(*topic, peer);
      }
    }
  }
}

void Router::take_idontwant(Peer& peer) {
  for (const BytesView id : rpc_.idontwant) {
    if (peer.idontwant_ids >= options_.limits.idontwant_ids_max) {
      return;
    }
    ++peer.idontwant_ids;
    if (id.size() <= k_id_bytes_max) {
      peer.unwanted.add(key_of(id));
    }
  }
}

}  // namespace vivim::libp2p::gossipsub
