#include "vivim/message/gossip_circles.hpp"

namespace vivim::message {

namespace {

using libp2p::gossipsub::Event;
using libp2p::gossipsub::PeerSubscribed;
using libp2p::gossipsub::ToValidate;
using libp2p::gossipsub::Verdict;

Verdict verdict_of(TopicVerdict verdict) {
  switch (verdict) {
    case TopicVerdict::accept:
      return Verdict::accept;
    case TopicVerdict::ignore:
      return Verdict::ignore;
    case TopicVerdict::reject:
      return Verdict::reject;
  }
  return Verdict::ignore;
}

}  // namespace

GossipCircles::GossipCircles(libp2p::gossipsub::Service& service)
    : service_(service),
      observed_(service.observe([this](const Event& event) { on_event(event); })) {}

Gossip GossipCircles::gossip() {
  return {
      .subscribe =
          [this](const std::string& topic) {
            return service_.subscribe(topic, {.validate = true});
          },
      .unsubscribe =
          [this](const std::string& topic) {
            service_.unsubscribe(topic, libp2p::gossipsub::Service::Role::judges);
          },
      .publish = [this](const std::string& topic, BytesView data) -> Result<void> {
        VIVIM_TRYV(service_.publish(topic, data));
        return {};
      },
      .peers = [this](const std::string& topic) { return service_.router().topic_peers(topic); }};
}

void GossipCircles::note_neighbour(const PeerSubscribed& event) {
  if (!event.subscribed || !on_neighbour_ || !service_.router().subscribed(event.topic)) {
    return;
  }
  if (const auto topic = CircleTopic::parse(event.topic); topic && topic->subtopic.empty()) {
    on_neighbour_(event.peer, topic->circle);
  }
}

void GossipCircles::on_event(const Event& event) {
  if (const auto* came = std::get_if<PeerSubscribed>(&event)) {
    note_neighbour(*came);
    return;
  }
  const auto* judge = std::get_if<ToValidate>(&event);
  if (judge == nullptr || !CircleTopic::parse(judge->message->topic())) {
    return;  // another part of the node judges it
  }
  const auto& message = *judge->message;
  const auto verdict =
      circles_ == nullptr ? TopicVerdict::ignore : circles_->take(message.topic(), message.data());
  (void)service_.validated(message.key(), verdict_of(verdict));
}

}  // namespace vivim::message
