#pragma once

#include "vivim/libp2p/gossipsub/service.hpp"
#include "vivim/message/circles.hpp"

namespace vivim::message {

/// Lets circles speak and hear over the gossip of a host: every message of a circle is judged
/// before it is passed on.
///
///   GossipCircles binding(service);
///   Circles circles(loop, store, rng, signer, binding.gossip(), {});
///   binding.attach(&circles);
class GossipCircles {
 public:
  /// `service` must outlive this, and this the circles.
  explicit GossipCircles(libp2p::gossipsub::Service& service);
  GossipCircles(const GossipCircles&) = delete;
  GossipCircles& operator=(const GossipCircles&) = delete;

  Gossip gossip();
  /// Who hears from now on; null: nobody, which is to be said before they go.
  void attach(Circles* circles) { circles_ = circles; }
  /// Hears of peers that came into the topic of a circle we are in. Must not await.
  void on_neighbour(std::function<void(const PeerId&, const CircleId&)> hear) {
    on_neighbour_ = std::move(hear);
  }

 private:
  void on_event(const libp2p::gossipsub::Event& event);
  void note_neighbour(const libp2p::gossipsub::PeerSubscribed& event);

  libp2p::gossipsub::Service& service_;
  Circles* circles_ = nullptr;
  std::function<void(const PeerId&, const CircleId&)> on_neighbour_;
  libp2p::Subscription observed_;
};

}  // namespace vivim::message
