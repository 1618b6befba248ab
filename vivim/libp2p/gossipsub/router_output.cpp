#include "vivim/libp2p/gossipsub/router_detail.hpp"

namespace vivim::libp2p::gossipsub {

std::optional<PeerIndex> Router::next_writable() {
  while (!writable_.empty()) {
    const PeerIndex index = writable_.front();
    writable_.pop_front();
    const auto& peer = peers_[static_cast<std::size_t>(index)];
    if (peer && peer->writable) {
      peer->writable = false;
      return index;
    }
  }
  return std::nullopt;
}

bool Router::take_output(PeerIndex index, Bytes& out, std::size_t bytes_max) {
  Peer& peer = at(index);
  return peer.queue.take(out, bytes_max, peer.unwanted);
}

void Router::wake(Peer& peer) {
  if (!peer.writable) {
    peer.writable = true;
    writable_.push_back(peer.index);
  }
}

void Router::overloaded(Peer& peer) {
  if (!peer.overloaded) {
    peer.overloaded = true;
    emit(Overloaded{.peer = peer.id});
  }
}

void Router::queue(Peer& peer, Lane lane, SharedFrame frame) {
  if (peer.queue.push(lane, std::move(frame))) {
    wake(peer);
    return;
  }
  ++stats_.dropped;
  if (lane == Lane::control) {
    overloaded(peer);
  }
}

bool Router::queue(Peer& peer, Lane lane, const MessagePtr& message) {
  if (peer.queue.push(lane, message)) {
    wake(peer);
    return true;
  }
  ++stats_.dropped;
  score_.slow(*peer.record);
  return false;
}

/// Where control for a peer is appended; what is there is framed first when it is much.
Bytes& Router::control_for(Peer& peer) {
  if (peer.subscriptions.size() + peer.control.size() >= wire::k_control_bytes_max) {
    flush(peer);
  }
  if (!peer.pending) {
    peer.pending = true;
    pending_.push_back(peer.index);
  }
  return peer.control;
}

void Router::flush(Peer& peer) {
  if (peer.subscriptions.empty() && peer.control.empty()) {
    return;
  }
  // Those of floodsub know subscriptions and messages alone.
  const BytesView control =
      peer.protocol == Protocol::floodsub ? BytesView() : BytesView(peer.control);
  if (!peer.subscriptions.empty() || !control.empty()) {
    queue(peer, Lane::control,
          std::make_shared<const Bytes>(wire::frame(peer.subscriptions, control)));
  }
  peer.subscriptions = Bytes();
  peer.control = Bytes();
}

void Router::flush_all() {
  for (const PeerIndex index : pending_) {
    Peer& peer = at(index);
    peer.pending = false;
    flush(peer);
  }
  pending_.clear();
}

}  // namespace vivim::libp2p::gossipsub
