#include "vivim/libp2p/gossipsub/router_detail.hpp"
#include "vivim/libp2p/record/peer_record.hpp"

namespace vivim::libp2p::gossipsub {

void Router::take_graft(Peer& peer, std::string_view name, rt::TimePoint now) {
  Topic* topic = find_topic(name);
  // No answer for topics that we are not in (gossipsub-v1.1 "Spam Protection"): it would tell what
  // we are in.
  if (topic == nullptr || !topic->subscribed || topic->mesh.contains(peer.index)) {
    return;
  }
  if (!topic->peers.contains(peer.index) && !add_subscription(peer, name)) {
    return;
  }
  if (topic->always.contains(peer.index)) {
    send_prune(peer, *topic, options_.mesh.prune_backoff, false, now);
    return;
  }
  if (graft_too_early(peer, *topic, now) || score_of(peer) < 0) {
    send_prune(peer, *topic, options_.mesh.prune_backoff, false, now);
    return;
  }
  if (topic->mesh.size() >= options_.mesh.d_high && !peer.outbound &&
      !earns_place(peer, *topic, now)) {
    send_prune(peer, *topic, options_.mesh.prune_backoff, true, now);
    return;
  }
  graft(peer, *topic, now);
}

/// gossipsub-v1.1 "Prune Backoff": who grafts before its time is punished, and waits anew.
bool Router::graft_too_early(Peer& peer, Topic& topic, rt::TimePoint now) {
  const auto found = topic.backoffs.find(peer.id);
  if (found == topic.backoffs.end() || now >= found->second.until) {
    return false;
  }
  const bool flood = now < found->second.pruned + options_.mesh.graft_flood_threshold;
  score_.penalize(*peer.record, flood ? 2 : 1);
  return true;
}

void Router::graft(Peer& peer, Topic& topic, rt::TimePoint now) {
  topic.mesh.insert(peer.index);
  topic.fanout.erase(peer.index);
  topic.pushed.erase(peer.index);
  score_.grafted(*peer.record, topic.number, now);
  ++stats_.grafts;
  emit(MeshChanged{.peer = peer.id, .topic = topic.name, .grafted = true});
}

void Router::drop_from_mesh(Peer& peer, Topic& topic) {
  if (topic.mesh.erase(peer.index)) {
    score_.pruned(*peer.record, topic.number);
    ++stats_.prunes;
    emit(MeshChanged{.peer = peer.id, .topic = topic.name, .grafted = false});
  }
}

/// Prunes a member of the mesh that has brought nothing, one that dialled us. False: there is none.
bool Router::make_room(Topic& topic, rt::TimePoint now) {
  std::vector<PeerIndex> idle;
  for (const PeerIndex index : topic.mesh) {
    const Peer& peer = at(index);
    if (!peer.outbound && score_.idle(*peer.record, topic.number, options_.mesh.idle_time, now)) {
      idle.push_back(index);
    }
  }
  if (idle.empty()) {
    return false;
  }
  prune(at(idle[below(idle.size())]), topic, true, now);
  return true;
}

/// Makes room for a peer that brought what another wrote, or had to ask us for something: it is
/// worth more than who did neither. Few in a heartbeat: that much, peers that work together can
/// have.
bool Router::earns_place(const Peer& peer, Topic& topic, rt::TimePoint now) {
  const bool better =
      score_.proven(*peer.record, topic.number) || topic.pushed.contains(peer.index);
  if (!better || topic.admitted >= options_.mesh.repairs || !make_room(topic, now)) {
    return false;
  }
  ++topic.admitted;
  return true;
}

/// A message that had to be asked for, and that who brings it did not write: the mesh did not bring
/// it. Who did comes into the mesh, as in Plumtree.
void Router::repair(Topic& topic, Peer& bringer, const Message& message, rt::TimePoint now) {
  if (topic.repairs >= options_.mesh.repairs || same_bytes(message.from(), bringer.id.bytes()) ||
      topic.mesh.contains(bringer.index) || topic.always.contains(bringer.index) ||
      !topic.peers.contains(bringer.index) || score_of(bringer) < 0 ||
      backing_off(topic, bringer.id, now) ||
      (topic.mesh.size() >= options_.mesh.d_high && !make_room(topic, now))) {
    return;
  }
  ++topic.repairs;
  ++stats_.repairs;
  graft(bringer, topic, now);
  wire::append_graft(control_for(bringer), topic.name);
}

bool Router::may_push(const Topic& topic, const Peer& peer) const {
  return topic.subscribed && topic.peers.contains(peer.index) && !topic.mesh.contains(peer.index) &&
         !topic.always.contains(peer.index) && score_of(peer) >= 0;
}

/// A peer that asks has a mesh that does not serve it: it gets what we pass on for a while,
/// unasked. Its GRAFT may be refused, or have been refused, where sybils were first.
void Router::push_to_asker(Topic& topic, const Peer& peer) {
  if (!may_push(topic, peer)) {
    return;
  }
  if (topic.pushed.size() >= options_.mesh.d && !topic.pushed.contains(peer.index)) {
    // Any of them: who asks a lot shall not keep the others out.
    topic.pushed.erase(
        std::next(topic.pushed.begin(), static_cast<std::ptrdiff_t>(below(topic.pushed.size()))));
  }
  topic.pushed[peer.index] = ticks_ + options_.mesh.push_ticks;
}

/// Sybils that dial us fill our mesh, and those of whom we dial: these refuse our GRAFT then. While
/// too few of those that we dialled are in the mesh, they get what we pass on all the same.
void Router::keep_pushed(Topic& topic) {
  std::erase_if(topic.pushed, [&](const auto& entry) {
    return entry.second <= ticks_ || !may_push(topic, at(entry.first));
  });
  auto have = static_cast<std::size_t>(
      std::ranges::count_if(topic.mesh, [this](PeerIndex index) { return at(index).outbound; }));
  if (have >= options_.mesh.d_out) {
    return;
  }
  std::vector<PeerIndex> others;
  for (const PeerIndex index : topic.peers) {
    if (at(index).outbound && may_push(topic, at(index))) {
      const auto known = topic.pushed.find(index);
      if (known == topic.pushed.end()) {
        others.push_back(index);
      } else {
        known->second = std::max(known->second, ticks_ + 2);
        ++have;
      }
    }
  }
  shuffle(others);
  for (const PeerIndex index : others) {
    if (have >= options_.mesh.d) {
      break;
    }
    topic.pushed[index] = ticks_ + 2;
    ++have;
  }
}

void Router::take_prune(Peer& peer, const wire::Prune& prune, rt::TimePoint now) {
  Topic* topic = find_topic(prune.topic);
  if (topic == nullptr || !topic->subscribed) {
    return;
  }
  drop_from_mesh(peer, *topic);
  rt::Duration backoff = options_.mesh.prune_backoff;
  if (prune.backoff && *prune.backoff > 0) {
    // Compared before it is multiplied: a peer's number overflows nothing.
    const auto seconds_max = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(options_.limits.backoff_max).count());
    backoff = std::chrono::seconds(std::min(*prune.backoff, seconds_max));
  }
  set_backoff(*topic, peer.id, backoff, now);
  take_px(peer, std::span(rpc_.peers).subspan(prune.first, prune.count));
}

/// gossipsub-v1.1 "Peer Exchange": only of peers with a good score, and only what the peers told
/// of have signed.
void Router::take_px(Peer& peer, std::span<const wire::PeerInfo> peers) {
  if (peers.empty() || score_of(peer) < options_.score.thresholds.accept_px) {
    return;
  }
  for (const wire::PeerInfo& info :
       peers.first(std::min(peers.size(), options_.mesh.prune_peers))) {
    const auto id = PeerId::from_bytes(info.id);
    if (!id || *id == self_ || by_id_.contains(*id)) {
      continue;
    }
    if (!info.record.empty()) {
      const auto record = record::open_peer_record(info.record);
      if (!record || record->peer != *id) {
        continue;
      }
    }
    emit(Connect{.peer = *id, .record = to_bytes(info.record)});
  }
}

void Router::send_prune(Peer& peer, Topic& topic, rt::Duration backoff, bool px,
                        rt::TimePoint now) {
  set_backoff(topic, peer.id, backoff, now);
  if (peer.protocol < Protocol::v1_1) {
    wire::append_prune(control_for(peer), topic.name, {}, std::nullopt);
    return;
  }
  std::vector<PeerIndex> others;
  std::vector<wire::PeerInfo> told;
  if (px && options_.mesh.do_px) {
    for (const PeerIndex index : topic.peers) {
      if (index != peer.index && score_of(at(index)) >= 0) {
        others.push_back(index);
      }
    }
    shuffle(others);
    others.resize(std::min(others.size(), options_.mesh.prune_peers));
    for (const PeerIndex index : others) {
      told.push_back({.id = at(index).id.bytes(), .record = at(index).signed_record});
    }
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(backoff).count();
  wire::append_prune(control_for(peer), topic.name, told, static_cast<std::uint64_t>(seconds));
}

void Router::prune(Peer& peer, Topic& topic, bool px, rt::TimePoint now) {
  drop_from_mesh(peer, topic);
  send_prune(peer, topic, options_.mesh.prune_backoff, px, now);
}

void Router::set_backoff(Topic& topic, const PeerId& peer, rt::Duration time, rt::TimePoint now) {
  auto found = topic.backoffs.find(peer);
  if (found == topic.backoffs.end()) {
    if (topic.backoffs.size() >= options_.limits.backoffs_per_topic_max) {
      topic.backoffs.erase(std::ranges::min_element(
          topic.backoffs, {}, [](const auto& entry) { return entry.second.until; }));
    }
    found = topic.backoffs.emplace(peer, Topic::Backoff{}).first;
  }
  found->second.until = std::max(found->second.until, now + time);
  found->second.pruned = now;
}

bool Router::backing_off(const Topic& topic, const PeerId& peer, rt::TimePoint now) const {
  const auto found = topic.backoffs.find(peer);
  // One heartbeat more than agreed: clocks differ.
  return found != topic.backoffs.end() &&
         now < found->second.until + options_.mesh.heartbeat_interval;
}

void Router::join(Topic& topic, rt::TimePoint now) {
  const std::vector<PeerIndex> known = topic.fanout.copy();
  for (const PeerIndex index : known) {
    Peer& peer = at(index);
    if (topic.mesh.size() < options_.mesh.d && score_of(peer) >= 0 &&
        !backing_off(topic, peer.id, now)) {
      graft(peer, topic, now);
      wire::append_graft(control_for(peer), topic.name);
    }
  }
  topic.fanout.clear();
  topic.fanned_out = false;
  if (topic.mesh.size() < options_.mesh.d) {
    graft_more(topic, options_.mesh.d - topic.mesh.size(), now, {});
  }
}

void Router::leave(Topic& topic, rt::TimePoint now) {
  for (const PeerIndex index : topic.mesh.copy()) {
    Peer& peer = at(index);
    drop_from_mesh(peer, topic);
    send_prune(peer, topic, options_.mesh.unsubscribe_backoff, false, now);
  }
}
}  // namespace vivim::libp2p::gossipsub
