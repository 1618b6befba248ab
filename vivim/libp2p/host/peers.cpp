// The connections of a host, from the end of their handshake to their own.
#include <algorithm>

#include "vivim/libp2p/host/dial_ranker.hpp"
#include "vivim/libp2p/host/peer_detail.hpp"

namespace vivim::libp2p {

Result<Host::ConnectionId> Host::add_peer(Established established) {
  if (established.peer == peer_id()) {
    return fail(HostError::self_dial);
  }
  VIVIM_TRYV(established.reservation.assign_peer(established.peer));
  if (established.descriptor) {
    VIVIM_TRYV(established.descriptor.assign_peer(established.peer));
  }
  if (!gater_->allow_upgraded(established.direction, established.peer, established.remote)) {
    return fail(HostError::gated);
  }
  const ConnectionId id = next_id_++;
  manager_.connected(id, established.peer, established.direction, loop_.clock().now());
  const auto [at, added] =
      peers_.emplace(id, std::make_unique<Peer>(loop_, std::move(established)));
  count_connected(*at->second);
  emit(event_of(HostEvent::Kind::connected, *at->second));
  if (manager_.above_high_water()) {
    house_timer_->expire_at(loop_.clock().now());
  }
  return id;
}

void Host::trim_connections() {
  const auto streams = [this](ConnectionId id) { return peers_.at(id)->connection->streams(); };
  for (const ConnectionId id : manager_.trim(loop_.clock().now(), streams)) {
    peers_.at(id)->connection->close(
        {.cause = CloseCause::limit, .error = Error(HostError::trimmed)});
  }
}

rt::Co<void> Host::run_peer(ConnectionId id) {
  Peer& peer = *peers_.at(id);
  peer.tasks.spawn("accept streams", accept_streams(peer));
  peer.tasks.spawn("identify", identify_peer(peer));
  if (stopping_) {
    peer.connection->close({.cause = CloseCause::local});
  }
  co_await peer.connection->run();
  count_muxer_refusals(peer);
  ending_.insert(peers_.extract(id));
  manager_.disconnected(id);
  peer.reservation.release();
  peer.descriptor.release();
  HostEvent event = event_of(HostEvent::Kind::disconnected, peer);
  event.reason = peer.connection->reason();
  count_closed(event.reason->cause);
  emit(event);
  co_await peer.tasks.stop();
  if (!stopping_) {
    peer.connection->when_idle([&peer] { peer.released.set(); });
    co_await peer.released.wait();
  }
  ending_.erase(id);
}

Host::Peer* Host::best_connection(const PeerId& peer, StreamOptions options) const {
  Peer* limited = nullptr;
  for (const auto& [id, candidate] : peers_) {
    if (candidate->id != peer || !candidate->connection->open()) {
      continue;
    }
    if (!candidate->limited) {
      return candidate.get();
    }
    if (limited == nullptr) {
      limited = candidate.get();
    }
  }
  return options.allow_limited ? limited : nullptr;
}

std::size_t Host::count(const PeerId& peer) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(peers_, [&](const auto& entry) { return entry.second->id == peer; }));
}

bool Host::connected(const PeerId& peer) const {
  return best_connection(peer) != nullptr;
}

void Host::disconnect(const PeerId& peer) {
  for (const auto& [id, candidate] : peers_) {
    if (candidate->id == peer) {
      candidate->connection->close({.cause = CloseCause::local});
    }
  }
}

void Host::disconnect_relayed(const PeerId& peer) {
  for (const auto& [id, candidate] : peers_) {
    if (candidate->id == peer && (candidate->limited || is_relayed(candidate->remote))) {
      candidate->connection->close({.cause = CloseCause::local});
    }
  }
}

HostEvent Host::event_of(HostEvent::Kind kind, const Peer& peer) const {
  return {.kind = kind,
          .peer = peer.id,
          .remote = peer.remote,
          .direction = peer.direction,
          .connections_left = count(peer.id),
          .transport = peer.transport,
          .limited = peer.limited};
}

std::vector<PeerInfo> Host::peers() const {
  std::vector<PeerInfo> all;
  for (const auto& [id, peer] : peers_) {
    all.push_back({.id = peer->id,
                   .address = peer->remote,
                   .direction = peer->direction,
                   .connected = loop_.clock().now() - peer->since,
                   .rtt = peer->connection->rtt(),
                   .agent = peer->info.agent_version.value_or(""),
                   .protocols = peer->info.protocols,
                   .listen_addresses = peer->info.listen_addresses,
                   .transport = peer->transport,
                   .security = peer->security,
                   .muxer = peer->muxer,
                   .limited = peer->limited,
                   .streams = peer->connection->streams()});
  }
  return all;
}

}  // namespace vivim::libp2p
