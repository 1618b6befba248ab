#include "vivim/libp2p/gossipsub/router_detail.hpp"

namespace vivim::libp2p::gossipsub {

void Router::on_deadline(rt::TimePoint now) {
  if (now < next_heartbeat_) {
    return;
  }
  next_heartbeat_ = now + options_.mesh.heartbeat_interval;
  ++ticks_;
  std::ranges::rotate(beats_, beats_.end() - 1);
  beats_.front() = ++moment_;
  ++stats_.heartbeats;
  break_promises(now);
  score_.refresh(now);
  reset_counters();
  forget_old(now);
  collect_gossip();
  std::vector<Topic*> told;
  for (auto at_topic = topics_.begin(); at_topic != topics_.end();) {
    // It may be dropped, when the last that was known of it is forgotten.
    Topic& topic = *at_topic++->second;
    std::erase_if(topic.backoffs, [this, now](const auto& entry) {
      return entry.second.until + options_.mesh.heartbeat_interval <= now;
    });
    if (topic.subscribed) {
      keep_mesh(topic, now);
      keep_pushed(topic);
    } else if (topic.fanned_out) {
      keep_fanout(topic, now);
    }
    if (!topic.own()) {
      topic.recent.clear();
    } else if (!topic.recent.empty() || !topic.groups.empty()) {
      told.push_back(&topic);
    }
    topic.repairs = 0;
    topic.admitted = 0;
    drop_topic_if_unused(topic);
  }
  if (ticks_ % options_.mesh.direct_connect_ticks == 1) {
    connect_explicit();
  }
  gossip(std::move(told));
  mcache_.shift();
  flush_all();
}

void Router::break_promises(rt::TimePoint now) {
  for (auto entry = promises_.begin(); entry != promises_.end();) {
    std::erase_if(entry->second, [this, now](const Promise& promise) {
      if (promise.until > now) {
        return false;
      }
      ++stats_.promises_broken;
      Peer& liar = at(promise.peer);
      score_.penalize(*liar.record, 1);
      forget_asks(liar);
      return true;
    });
    entry = entry->second.empty() ? promises_.erase(entry) : std::next(entry);
  }
}

void Router::reset_counters() {
  for (const auto& peer : peers_) {
    if (peer) {
      peer->ihave_rpcs = 0;
      peer->ihave_ids = 0;
      peer->asked = 0;
      peer->idontwant_ids = 0;
      peer->queue.trim();
    }
  }
}

void Router::forget_old(rt::TimePoint now) {
  constexpr std::uint64_t k_unwanted_ticks = 3;
  seen_.expire(now);
  std::erase_if(near_, [now](const auto& entry) { return entry.second.until < now; });
  if (ticks_ % k_unwanted_ticks == 0) {
    asked_.turn();
  }
  for (const auto& peer : peers_) {
    if (!peer) {
      continue;
    }
    if (ticks_ % k_unwanted_ticks == 0 && !peer->unwanted.empty()) {
      peer->unwanted.turn();
    }
    if (ticks_ % options_.mesh.mcache_len == 0 && !peer->served.empty()) {
      peer->served.turn();
    }
  }
}

// The mesh.

void Router::keep_mesh(Topic& topic, rt::TimePoint now) {
  for (const PeerIndex index : topic.mesh.copy()) {
    if (score_of(at(index)) < 0) {
      prune(at(index), topic, false, now);
    }
  }
  if (topic.mesh.size() < options_.mesh.d_low) {
    graft_more(topic, options_.mesh.d - topic.mesh.size(), now, {});
  }
  if (topic.mesh.size() > options_.mesh.d_high) {
    prune_surplus(topic, now);
  }
  if (topic.mesh.size() >= options_.mesh.d_low) {
    keep_outbound(topic, now);
  }
  if (ticks_ % options_.mesh.opportunistic_graft_ticks == 0 && topic.mesh.size() > 1) {
    graft_opportunistically(topic, now);
  }
}

void Router::graft_more(Topic& topic, std::size_t count, rt::TimePoint now,
                        const std::function<bool(const Peer&)>& suits) {
  std::vector<PeerIndex> candidates;
  for (const PeerIndex index : topic.peers) {
    const Peer& peer = at(index);
    if (!topic.mesh.contains(index) && !topic.always.contains(index) && score_of(peer) >= 0 &&
        !backing_off(topic, peer.id, now) && (!suits || suits(peer))) {
      candidates.push_back(index);
    }
  }
  shuffle(candidates);
  candidates.resize(std::min(candidates.size(), count));
  for (const PeerIndex index : candidates) {
    Peer& peer = at(index);
    graft(peer, topic, now);
    wire::append_graft(control_for(peer), topic.name);
  }
}

/// The best first, those of one score in any order.
std::vector<PeerIndex> Router::by_score(std::vector<PeerIndex> peers) {
  shuffle(peers);
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    order.emplace_back(-score_of(at(peers[i])), i);
  }
  std::ranges::sort(order);
  std::vector<PeerIndex> sorted;
  for (const auto& [score, place] : order) {
    sorted.push_back(peers[place]);
  }
  return sorted;
}

/// gossipsub-v1.1: d_score of those that stay by their score, the others by chance, d_out of them
/// peers that we dialled.
void Router::prune_surplus(Topic& topic, rt::TimePoint now) {
  const std::size_t d = options_.mesh.d;
  std::vector<PeerIndex> order = by_score(topic.mesh.copy());
  std::vector<PeerIndex> rest(order.begin() + static_cast<std::ptrdiff_t>(options_.mesh.d_score),
                              order.end());
  shuffle(rest);
  std::ranges::copy(rest, order.begin() + static_cast<std::ptrdiff_t>(options_.mesh.d_score));
  const auto is_outbound = [this](PeerIndex index) { return at(index).outbound; };
  auto kept = static_cast<std::size_t>(std::ranges::count_if(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(d), is_outbound));
  // Too few of those that we dialled would stay: they change places with the last that would.
  for (std::size_t from = d, to = d; from < order.size() && kept < options_.mesh.d_out; ++from) {
    if (is_outbound(order[from])) {
      do {
        --to;
      } while (to > 0 && is_outbound(order[to]));
      std::swap(order[from], order[to]);
      ++kept;
    }
  }
  for (std::size_t i = d; i < order.size(); ++i) {
    prune(at(order[i]), topic, true, now);
  }
}

void Router::keep_outbound(Topic& topic, rt::TimePoint now) {
  const auto have = static_cast<std::size_t>(
      std::ranges::count_if(topic.mesh, [this](PeerIndex index) { return at(index).outbound; }));
  if (have < options_.mesh.d_out) {
    graft_more(topic, options_.mesh.d_out - have, now,
               [](const Peer& peer) { return peer.outbound; });
  }
}

/// gossipsub-v1.1 "Opportunistic Grafting": a mesh of peers that bring little gets better ones.
void Router::graft_opportunistically(Topic& topic, rt::TimePoint now) {
  std::vector<double> scores;
  for (const PeerIndex index : topic.mesh) {
    scores.push_back(score_of(at(index)));
  }
  std::ranges::sort(scores);
  const double median = scores[scores.size() / 2];
  if (median < options_.score.thresholds.opportunistic_graft) {
    graft_more(topic, options_.mesh.opportunistic_graft_peers, now,
               [this, median](const Peer& peer) { return score_of(peer) > median; });
  }
}

void Router::keep_fanout(Topic& topic, rt::TimePoint now) {
  if (now >= topic.fanout_used + options_.mesh.fanout_ttl) {
    topic.fanout.clear();
    topic.fanned_out = false;
    topic.groups.clear();
    --own_topics_;
    return;
  }
  for (const PeerIndex index : topic.fanout.copy()) {
    if (score_of(at(index)) < options_.score.thresholds.publish) {
      topic.fanout.erase(index);
    }
  }
  fill_fanout(topic);
}

void Router::connect_explicit() {
  for (const PeerId& peer : explicit_) {
    if (!by_id_.contains(peer)) {
      emit(Connect{.peer = peer, .record = {}});
    }
  }
}

// Gossip.

void Router::collect_gossip() {
  mcache_.each_recent([this](const MessagePtr& message) {
    Topic* topic = find_topic(message->topic());
    if (topic != nullptr && topic->own()) {
      topic->recent.push_back(message);
    }
  });
}

/// A peer hears few RPCs with gossip a heartbeat, whatever they tell of: it gets what there is of
/// all topics together. Which ones are left out when that is too much is chance.
void Router::gossip(std::vector<Topic*> topics) {
  shuffle(topics);
  for (Topic* topic : topics) {
    emit_gossip(*topic);
    keep_groups(*topic);
    topic->recent.clear();
  }
  for (const auto& peer : peers_) {
    if (peer) {
      frame_gossip(*peer);
      peer->gossip_frames = 0;
    }
  }
}

/// gossipsub-v1.1 "Adaptive Gossip Dissemination": to d_lazy peers outside the mesh, or a share of
/// them if that is more.
void Router::emit_gossip(Topic& topic) {
  const IndexSet& near = topic.subscribed ? topic.mesh : topic.fanout;
  std::vector<PeerIndex> candidates;
  for (const PeerIndex index : topic.peers) {
    const Peer& peer = at(index);
    if (!near.contains(index) && !topic.always.contains(index) && !topic.pushed.contains(index) &&
        score_of(peer) >= options_.score.thresholds.gossip) {
      candidates.push_back(index);
    }
  }
  const auto share = static_cast<std::size_t>(options_.mesh.gossip_factor *
                                              static_cast<double>(candidates.size()));
  shuffle(candidates);
  candidates.resize(std::min(candidates.size(), std::max(options_.mesh.d_lazy, share)));
  gossip_groups(topic, candidates);
  std::erase_if(candidates,
                [this, &topic](PeerIndex index) { return wants_parts(topic, at(index)); });
  send_ihave(candidates, topic);
}

/// All are told the same; beyond what a peer would hear, each gets a choice of its own, so that
/// together they hear of all.
void Router::send_ihave(std::span<const PeerIndex> peers, Topic& topic) {
  constexpr std::size_t k_ids_at_once = 256;
  if (topic.recent.empty() || peers.empty()) {
    return;
  }
  const std::size_t count = std::min(topic.recent.size(), options_.limits.ihave_ids_max);
  const bool choose = topic.recent.size() > count;
  std::vector<Bytes> parts;
  for (const PeerIndex index : peers) {
    if (choose || parts.empty()) {
      parts.clear();
      shuffle(topic.recent);
      for (std::size_t first = 0; first < count; first += k_ids_at_once) {
        const std::size_t end = std::min(first + k_ids_at_once, count);
        std::vector<BytesView> ids;
        for (std::size_t i = first; i < end; ++i) {
          ids.push_back(topic.recent[i]->id());
        }
        wire::append_ihave(parts.emplace_back(), topic.name, ids);
      }
    }
    for (const Bytes& part : parts) {
      add_gossip(at(index), part);
    }
  }
}

void Router::add_gossip(Peer& peer, BytesView ihave) {
  if (peer.gossip.size() + ihave.size() > wire::k_control_bytes_max) {
    frame_gossip(peer);
  }
  if (peer.gossip_frames < options_.limits.ihave_rpcs_max) {
    append(peer.gossip, ihave);
  }
}

void Router::frame_gossip(Peer& peer) {
  if (peer.gossip.empty()) {
    return;
  }
  queue(peer, Lane::forward, std::make_shared<const Bytes>(wire::frame({}, peer.gossip)));
  peer.gossip = Bytes();
  ++peer.gossip_frames;
}

}  // namespace vivim::libp2p::gossipsub
