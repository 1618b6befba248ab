// The connections of a host, from the end of their handshake to their own.
#include <algorithm>

#include "vivim/libp2p/host/dial_ranker.hpp"
#include "vivim/libp2p/host/peer_detail.hpp"

namespace vivim::libp2p {

Result<void> Host::check_peer(Established& established) {
  if (established.peer == peer_id()) {
    return fail(HostError::self_dial);
  }
  VIVIM_TRYV(established.reservation.assign_peer(established.peer));
  VIVIM_TRYV(established.reservation.grow(established.layers_bytes));
  if (established.descriptor) {
    VIVIM_TRYV(established.descriptor.assign_peer(established.peer));
  }
  if (!gater_->allow_upgraded(established.direction, established.peer, established.remote)) {
    return fail(HostError::gated);
  }
  return {};
}

Result<Host::ConnectionId> Host::add_peer(Established established) {
  if (const auto checked = check_peer(established); !checked) {
    turn_away(std::move(established.connection), checked.error());
    return fail(checked.error());
  }
  const ConnectionId id = next_id_++;
  manager_.connected(id, established.peer, established.direction, loop_.clock().now());
  const auto [at, added] =
      peers_.emplace(id, std::make_unique<Peer>(loop_, std::move(established)));
  by_peer_.emplace(at->second->id, at->second.get());
  Peer& peer = *at->second;
  peer.connection->count_memory([&peer](std::uint64_t bytes) { return account(peer, bytes); });
  count_connected(peer);
  emit(event_of(HostEvent::Kind::connected, *at->second));
  if (manager_.crossed_high_water()) {
    house_timer_->expire_at(loop_.clock().now());
  }
  return id;
}

CloseReason Host::refusal(const Error& error) {
  if (error.is(HostError::gated)) {
    return {.cause = CloseCause::local, .error = error, .code = CloseCode::gated};
  }
  if (error.is(HostError::wrong_peer)) {
    return {.cause = CloseCause::local, .error = error};  // nothing that it did
  }
  if (limits::is_limit_error(error) || error.is(HostError::self_dial)) {
    return {.cause = CloseCause::limit, .error = error};
  }
  return CloseReason::from(error);
}

/// A muxer tells the peer why in its stream: that takes a moment, which not many get at once.
void Host::turn_away(std::unique_ptr<MuxedConnection> connection, const Error& error) {
  connection->close(refusal(error));
  if (!stopping_ && turning_away_ < k_turned_away_max) {
    ++turning_away_;
    tasks_.spawn("refusal", tell_refusal(std::move(connection)));
  }
}

rt::Co<void> Host::tell_refusal(std::unique_ptr<MuxedConnection> connection) {
  co_await connection->run();
  --turning_away_;
}

/// What the buffers of a connection hold counts with what it takes at rest.
Result<void> Host::account(Peer& peer, std::uint64_t buffer_bytes) {
  const std::uint64_t counted = peer.reservation.amount().memory_bytes;
  const std::uint64_t wanted = k_connection_bytes + peer.layers_bytes + buffer_bytes;
  if (wanted > counted) {
    return peer.reservation.grow(wanted - counted);
  }
  peer.reservation.shrink(counted - wanted);
  return {};
}

void Host::trim_connections() {
  const auto streams = [this](ConnectionId id) { return peers_.at(id)->connection->streams(); };
  for (const ConnectionId id : manager_.trim(loop_.clock().now(), streams)) {
    peers_.at(id)->connection->close({.cause = CloseCause::limit,
                                      .error = Error(HostError::trimmed),
                                      .code = CloseCode::garbage_collected});
  }
}

/// What a handshake needs is gone while its connection lives: a task keeps the frames of what it
/// awaits.
rt::Co<void> Host::run_made(rt::Co<std::optional<ConnectionId>> making) {
  if (const auto id = co_await std::move(making)) {
    co_await run_peer(*id);
  }
}

rt::Co<void> Host::run_peer(ConnectionId id) {
  Peer& peer = *peers_.at(id);
  peer.tasks.spawn("accept streams", accept_streams(peer));
  peer.tasks.spawn("identify", identify_peer(peer));
  if (peer.direction == Direction::outbound && is_relayed(peer.remote)) {
    // It wants to know where we are, so that it can reach us directly: a round trip earlier than if
    // it asks.
    peer.told = description_digest();
    peer.tasks.spawn("identify push", push_to(peer));
  }
  if (stopping_) {
    peer.connection->close({.cause = CloseCause::local});
  }
  co_await peer.connection->run();
  forget_peer(id);
  count_muxer_refusals(peer);
  manager_.disconnected(id);
  peer.reservation.keep_memory();  // streams that are held may hold it still
  peer.descriptor.release();
  HostEvent event = event_of(HostEvent::Kind::disconnected, peer);
  event.reason = peer.connection->reason();
  count_closed(*event.reason);
  emit(event);
  co_await peer.tasks.stop();
  if (!stopping_) {
    peer.connection->when_idle([&peer] { peer.released.set(); });
    co_await peer.released.wait();
  }
  ending_.erase(id);
}

void Host::forget_peer(ConnectionId id) {
  Peer* const peer = peers_.at(id).get();
  const auto [first, last] = by_peer_.equal_range(peer->id);
  by_peer_.erase(
      std::ranges::find_if(first, last, [peer](const auto& each) { return each.second == peer; }));
  ending_.insert(peers_.extract(id));
}

Host::Peer* Host::best_connection(const PeerId& peer, StreamOptions options) const {
  Peer* limited = nullptr;
  for (Peer* const candidate : connections_with(peer)) {
    if (!candidate->connection->open()) {
      continue;
    }
    if (!candidate->limited) {
      return candidate;
    }
    if (limited == nullptr) {
      limited = candidate;
    }
  }
  return options.allow_limited ? limited : nullptr;
}

std::size_t Host::count(const PeerId& peer) const {
  return by_peer_.count(peer);
}

bool Host::connected(const PeerId& peer) const {
  return best_connection(peer) != nullptr;
}

void Host::disconnect(const PeerId& peer) {
  for (Peer* const candidate : connections_with(peer)) {
    candidate->connection->close({.cause = CloseCause::local});
  }
}

void Host::disconnect_relayed(const PeerId& peer) {
  for (Peer* const candidate : connections_with(peer)) {
    if (candidate->limited || is_relayed(candidate->remote)) {
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
