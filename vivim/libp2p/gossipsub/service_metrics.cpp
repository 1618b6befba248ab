#include "vivim/libp2p/gossipsub/service.hpp"
#include "vivim/libp2p/metrics/family.hpp"

namespace vivim::libp2p::gossipsub {

void Service::publish_metrics(metrics::Registry& registry) const {
  using metrics::Family;
  using metrics::Type;
  const RouterStats& stats = router_.stats();
  Family(registry, "libp2p_gossipsub_peers", Type::gauge, "peers that speak gossipsub")
      .set(router_.peers());
  std::size_t mesh = 0;
  const auto topics = router_.topics();
  for (const Router::TopicInfo& topic : topics) {
    mesh += topic.mesh;
  }
  Family(registry, "libp2p_gossipsub_topics", Type::gauge, "topics that we are in")
      .set(topics.size());
  Family(registry, "libp2p_gossipsub_mesh_peers", Type::gauge, "peers in the meshes of all topics")
      .set(mesh);
  Family messages(registry, "libp2p_gossipsub_messages_total", Type::counter,
                  "messages by what became of them", "what");
  messages.set("published", stats.published)
      .set("received", stats.received)
      .set("duplicate", stats.duplicates)
      .set("delivered", stats.delivered)
      .set("forwarded", stats.forwarded)
      .set("rejected", stats.rejected)
      .set("ignored", stats.ignored)
      .set("unwanted", stats.unwanted)
      .set("dropped", stats.dropped);
  Family control(registry, "libp2p_gossipsub_control_total", Type::counter,
                 "control messages, by kind", "kind");
  control.set("ihave_id", stats.ihave_ids)
      .set("iwant_sent", stats.iwant_sent)
      .set("iwant_served", stats.iwant_served)
      .set("idontwant_sent", stats.idontwant_sent)
      .set("idontwant_heeded", stats.idontwant_heeded)
      .set("graft", stats.grafts)
      .set("graft_to_mend", stats.repairs)
      .set("prune", stats.prunes);
  Family misuse(registry, "libp2p_gossipsub_misuse_total", Type::counter,
                "what peers should not have done, by kind", "kind");
  misuse.set("malformed", stats.malformed)
      .set("graylisted", stats.graylisted)
      .set("promise_broken", stats.promises_broken)
      .set("subscription_refused", stats.subscriptions_refused);
}

}  // namespace vivim::libp2p::gossipsub
