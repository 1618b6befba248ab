#include "vivim/libp2p/gossipsub/router_detail.hpp"

namespace vivim::libp2p::gossipsub {

namespace {

/// Heartbeats that a group is gossiped of, and that what peers began is remembered.
constexpr std::size_t k_group_ticks = 3;

}  // namespace

/// One of both wants parts, and the other sends them.
bool Router::partial_with(const Topic& topic, const Peer& peer) const {
  const auto found = topic.partial.find(peer.index);
  const bool requests = topic.options.partial == PartialMode::requests;
  return peer.partial && options_.partial_messages && found != topic.partial.end() &&
         topic.options.partial != PartialMode::none && (requests || found->second);
}

bool Router::may_begin_group(Topic& topic, const Peer& peer) const {
  std::size_t all = 0;
  std::size_t own = 0;
  for (const auto& [id, group] : topic.groups) {
    all += group.begun_by ? 1 : 0;
    own += group.begun_by == peer.id ? 1 : 0;
  }
  return all < options_.limits.groups_per_topic_max && own < options_.limits.groups_per_peer_max;
}

void Router::take_partial(Peer& peer) {
  if (!rpc_.partial) {
    return;
  }
  Topic* topic = find_topic(rpc_.partial->topic);
  if (topic == nullptr || !topic->subscribed || !partial_with(*topic, peer) ||
      rpc_.partial->group.size() > k_group_bytes_max) {
    return;
  }
  const Bytes id = to_bytes(rpc_.partial->group);
  auto found = topic->groups.find(id);
  if (found == topic->groups.end()) {
    if (!may_begin_group(*topic, peer)) {
      ++stats_.ignored;
      return;
    }
    found = topic->groups
                .emplace(id, Topic::Group{.ticks = k_group_ticks, .begun_by = peer.id, .told = {}})
                .first;
  }
  found->second.told.insert(peer.index);
  const auto copy = [](const std::optional<BytesView>& bytes) {
    return bytes ? std::optional(to_bytes(*bytes)) : std::nullopt;
  };
  emit(PartialReceived{.peer = peer.id,
                       .topic = topic->name,
                       .group = id,
                       .message = copy(rpc_.partial->message),
                       .metadata = copy(rpc_.partial->metadata)});
}

Result<std::vector<PartialPeer>> Router::publish_partial(std::string_view name, BytesView group) {
  Topic* topic = find_topic(name);
  if (topic == nullptr || topic->options.partial == PartialMode::none ||
      group.size() > k_group_bytes_max) {
    return fail(GossipsubError::no_partial);
  }
  Topic::Group& own = topic->groups[to_bytes(group)];
  own.begun_by.reset();
  own.ticks = k_group_ticks;
  std::vector<PartialPeer> peers;
  IndexSet to = own.told;
  for (const PeerIndex index : topic->mesh) {
    to.insert(index);
  }
  for (const PeerIndex index : to) {
    if (partial_with(*topic, at(index))) {
      own.told.insert(index);
      peers.push_back(
          {.index = index, .peer = at(index).id, .requests = wants_parts(*topic, at(index))});
    }
  }
  return peers;
}

Result<void> Router::send_partial(PeerIndex to, const wire::Partial& partial) {
  const auto place = static_cast<std::size_t>(to);
  if (place >= peers_.size() || !peers_[place]) {
    return fail(GossipsubError::unknown_peer);
  }
  Peer& peer = at(to);
  const Topic* topic = find_topic(partial.topic);
  if (topic == nullptr || !partial_with(*topic, peer)) {
    return fail(GossipsubError::no_partial);
  }
  const std::size_t size = partial.group.size() + partial.message.value_or(BytesView()).size() +
                           partial.metadata.value_or(BytesView()).size();
  if (size > options_.limits.message_bytes_max) {
    return fail(GossipsubError::too_large, size);
  }
  wire::Partial sent = partial;
  if (!wants_parts(*topic, peer)) {
    sent.message.reset();  // it did not ask for any
  }
  queue(peer, Lane::own, std::make_shared<const Bytes>(wire::frame(sent)));
  return {};
}

void Router::keep_groups(Topic& topic) {
  for (auto group = topic.groups.begin(); group != topic.groups.end();) {
    group = group->second.ticks-- == 0 ? topic.groups.erase(group) : std::next(group);
  }
}

void Router::gossip_groups(Topic& topic, std::span<const PeerIndex> peers) {
  for (auto& [id, group] : topic.groups) {
    if (group.begun_by) {
      continue;
    }
    PartialGossip gossip{.topic = topic.name, .group = id, .peers = {}};
    for (const PeerIndex index : peers) {
      if (partial_with(topic, at(index)) && group.told.insert(index)) {
        gossip.peers.push_back(at(index).id);
      }
    }
    if (!gossip.peers.empty()) {
      emit(std::move(gossip));
    }
  }
}

}  // namespace vivim::libp2p::gossipsub
