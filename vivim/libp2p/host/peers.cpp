// The connections of a host, from the end of their handshake to their own.
#include <algorithm>

#include "vivim/libp2p/host/peer_detail.hpp"

namespace vivim::libp2p {

Result<Host::ConnectionId> Host::add_peer(Upgraded upgraded, Multiaddr remote,
                                          Direction direction) {
  if (upgraded.peer == peer_id()) {
    upgraded.stream->reset(0);
    return fail(HostError::self_dial);
  }
  if (count(upgraded.peer) >= limits_.connections_per_peer_max) {
    upgraded.stream->reset(0);
    return fail(HostError::too_many_connections, limits_.connections_per_peer_max);
  }
  const yamux::Config config{.window_growth_bytes_max = limits_.window_growth_bytes_max,
                             .inbound_streams_max = limits_.inbound_streams_max,
                             .outbound_streams_max = limits_.outbound_streams_max,
                             .keep_alive_interval = times_.keep_alive_interval,
                             .ping_timeout = times_.keep_alive_timeout};
  const ConnectionId id = next_id_++;
  const PeerId peer_id = upgraded.peer;
  const auto [at, added] =
      peers_.emplace(id, std::make_unique<Peer>(loop_, peer_id, std::move(remote), direction,
                                                std::move(upgraded), config));
  emit(event_of(HostEvent::Kind::connected, *at->second));
  return id;
}

rt::Co<void> Host::run_peer(ConnectionId id) {
  Peer& peer = *peers_.at(id);
  peer.tasks.spawn("accept streams", accept_streams(peer));
  peer.tasks.spawn("identify", identify_peer(peer));
  if (stopping_) {
    peer.connection.close({.cause = CloseCause::local});
  }
  co_await peer.connection.run();
  ending_.insert(peers_.extract(id));
  HostEvent event = event_of(HostEvent::Kind::disconnected, peer);
  event.reason = peer.connection.reason();
  emit(event);
  co_await peer.tasks.stop();
  if (!stopping_) {
    peer.connection.when_idle([&peer] { peer.released.set(); });
    co_await peer.released.wait();
  }
  ending_.erase(id);
}

Host::Peer* Host::best_connection(const PeerId& peer) const {
  for (const auto& [id, candidate] : peers_) {
    if (candidate->id == peer && candidate->connection.open()) {
      return candidate.get();
    }
  }
  return nullptr;
}

std::size_t Host::count(const PeerId& peer) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(peers_, [&](const auto& entry) { return entry.second->id == peer; }));
}

std::size_t Host::count(Direction direction) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      peers_, [&](const auto& entry) { return entry.second->direction == direction; }));
}

bool Host::connected(const PeerId& peer) const {
  return best_connection(peer) != nullptr;
}

void Host::disconnect(const PeerId& peer) {
  for (const auto& [id, candidate] : peers_) {
    if (candidate->id == peer) {
      candidate->connection.close({.cause = CloseCause::local});
    }
  }
}

HostEvent Host::event_of(HostEvent::Kind kind, const Peer& peer) const {
  return {.kind = kind,
          .peer = peer.id,
          .remote = peer.remote,
          .direction = peer.direction,
          .connections_left = count(peer.id)};
}

std::vector<PeerInfo> Host::peers() const {
  std::vector<PeerInfo> all;
  for (const auto& [id, peer] : peers_) {
    all.push_back({.id = peer->id,
                   .address = peer->remote,
                   .direction = peer->direction,
                   .connected = loop_.clock().now() - peer->since,
                   .rtt = peer->connection.rtt(),
                   .agent = peer->info.agent_version.value_or(""),
                   .protocols = peer->info.protocols,
                   .listen_addresses = peer->info.listen_addresses});
  }
  return all;
}

}  // namespace vivim::libp2p
