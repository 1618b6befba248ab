#include <set>

#include "vivim/libp2p/metrics/metrics.hpp"
#include "vivim/node/parts_detail.hpp"

namespace vivim::node {

StatusService::StatusService(World world, NodeOptions options, sync::DocumentHub& hub,
                             chat::Library& library, Swarm& swarm)
    : loop_(world.loop),
      options_(std::move(options)),
      hub_(hub),
      library_(library),
      swarm_(swarm),
      started_(world.loop.clock().now()),
      stop_requested_(world.loop) {}

rt::Co<Outcome<gateway::NodeStatus>> StatusService::status() {
  gateway::NodeStatus status{.version = options_.version,
                             .peer_id = swarm_.host().peer_id().to_string(),
                             .http = http_,
                             .home = options_.home.root};
  VIVIM_CO_TRY(status.conversations, co_await library_.count());
  VIVIM_CO_TRY(status.indexing_pending, co_await library_.index_pending());
  for (const auto& address : swarm_.host().listen_addresses()) {
    status.listen.push_back(address.to_string());
  }
  std::set<multiformats::PeerId> peers;
  for (const auto& peer : swarm_.host().peers()) {
    peers.insert(peer.id);
  }
  status.peers = static_cast<std::int64_t>(peers.size());
  status.reachability = to_string(swarm_.reachability());
  status.private_network = swarm_.private_network();
  status.documents_open = static_cast<std::int64_t>(hub_.size());
  status.uptime_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(loop_.clock().now() - started_).count();
  co_return std::move(status);
}

rt::Co<Outcome<std::string>> StatusService::metrics() {
  using libp2p::metrics::Type;
  VIVIM_CO_TRY(const auto status, co_await this->status());
  libp2p::metrics::Registry registry;
  const auto gauge = [&registry](std::string_view name, std::string_view help, std::int64_t value) {
    registry.declare(name, Type::gauge, help);
    registry.series(name).set(static_cast<std::uint64_t>(value));
  };
  registry.declare("vivim_build_info", Type::gauge, "1, for the version that runs");
  registry.series("vivim_build_info", {{"version", options_.version}}).set(1);
  gauge("vivim_uptime_seconds", "since the node was started", status.uptime_ms / 1000);
  gauge("vivim_conversations", "conversations that are stored", status.conversations);
  gauge("vivim_documents_open", "documents in memory", status.documents_open);
  gauge("vivim_indexing_pending", "conversations that are still to be indexed",
        status.indexing_pending);
  registry.declare("vivim_sync_updates_refused_total", Type::counter,
                   "updates that were not taken, for who sent or signed them may not make them");
  registry.series("vivim_sync_updates_refused_total").set(hub_.refused());
  co_return swarm_.metrics_text() + registry.render();
}

rt::Co<Outcome<void>> StatusService::stop() {
  stop_requested_.set();
  co_return Outcome<void>();
}

}  // namespace vivim::node
