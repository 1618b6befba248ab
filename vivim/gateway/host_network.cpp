#include "vivim/gateway/host_network.hpp"

namespace vivim::gateway {

namespace {

void publish(EventHub& events, const libp2p::HostEvent& event) {
  using Kind = libp2p::HostEvent::Kind;
  if (!event.peer) {
    return;
  }
  if (event.kind == Kind::connected) {
    events.publish(to_event(PeerEvent::connected, event.peer->to_string()));
  } else if (event.kind == Kind::disconnected && event.connections_left == 0) {
    events.publish(to_event(PeerEvent::disconnected, event.peer->to_string()));
  }
}

double milliseconds(rt::Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

PeerStatus status_of(const libp2p::PeerInfo& peer) {
  PeerStatus status;
  status.id = peer.id.to_string();
  status.address = peer.address.to_string();
  status.direction = peer.direction == libp2p::Direction::inbound ? "inbound" : "outbound";
  status.connected_ms = static_cast<std::int64_t>(milliseconds(peer.connected));
  if (peer.rtt) {
    status.rtt_ms = milliseconds(*peer.rtt);
  }
  status.agent = peer.agent;
  status.protocols = peer.protocols;
  return status;
}

Problem bad_address(const Error& error) {
  return {.kind = ProblemKind::bad_input,
          .code = "bad_multiaddr",
          .message = "This is not an address of a node: " + error.message() + ".",
          .hint = "Addresses look like /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW..."};
}

bool is_about_address(const Error& error) {
  return error.is(libp2p::HostError::no_peer_in_address) ||
         error.is(libp2p::HostError::unsupported_address) || error.is(libp2p::HostError::self_dial);
}

Problem unreachable(const Error& error) {
  return {.kind = ProblemKind::unavailable,
          .code = "peer_unreachable",
          .message = "Could not connect: " + error.message() + ".",
          .hint = "Does the other node run, and is its address right? There: vivim status"};
}

}  // namespace

HostNetwork::HostNetwork(libp2p::Host& host, crypto::Ed25519PublicKey public_key, EventHub& events)
    : host_(host),
      public_key_(public_key),
      watching_(
          host.subscribe([&events](const libp2p::HostEvent& event) { publish(events, event); })) {}

Co<Outcome<NodeIdentity>> HostNetwork::identity() {
  NodeIdentity identity{
      .peer_id = host_.peer_id().to_string(), .public_key = to_hex(public_key_), .addresses = {}};
  for (const auto& address : host_.listen_addresses()) {
    identity.addresses.push_back(address.to_string());
  }
  co_return std::move(identity);
}

Co<Outcome<std::vector<PeerStatus>>> HostNetwork::peers() {
  std::vector<PeerStatus> all;
  for (const auto& peer : host_.peers()) {
    all.push_back(status_of(peer));
  }
  co_return std::move(all);
}

Co<Outcome<std::string>> HostNetwork::connect(std::string multiaddr) {
  auto address = multiformats::Multiaddr::parse(multiaddr);
  if (!address) {
    co_return std::unexpected(bad_address(address.error()));
  }
  const auto peer = co_await host_.connect(std::move(*address));
  if (!peer) {
    co_return std::unexpected(is_about_address(peer.error()) ? bad_address(peer.error())
                                                             : unreachable(peer.error()));
  }
  co_return peer->to_string();
}

}  // namespace vivim::gateway
