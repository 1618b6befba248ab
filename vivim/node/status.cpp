#include <set>

#include "vivim/node/parts_detail.hpp"

namespace vivim::node {

StatusService::StatusService(World world, NodeOptions options, sync::DocumentHub& hub,
                             chat::Library& library, libp2p::Host& host)
    : loop_(world.loop),
      options_(std::move(options)),
      hub_(hub),
      library_(library),
      host_(host),
      started_(world.loop.clock().now()),
      stop_requested_(world.loop) {}

rt::Co<Outcome<gateway::NodeStatus>> StatusService::status() {
  gateway::NodeStatus status{.version = options_.version,
                             .peer_id = host_.peer_id().to_string(),
                             .http = http_,
                             .home = options_.home.root};
  VIVIM_CO_TRY(status.conversations, co_await library_.count());
  VIVIM_CO_TRY(status.indexing_pending, co_await library_.index_pending());
  for (const auto& address : host_.listen_addresses()) {
    status.listen.push_back(address.to_string());
  }
  std::set<multiformats::PeerId> peers;
  for (const auto& peer : host_.peers()) {
    peers.insert(peer.id);
  }
  status.peers = static_cast<std::int64_t>(peers.size());
  status.documents_open = static_cast<std::int64_t>(hub_.size());
  status.uptime_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(loop_.clock().now() - started_).count();
  co_return std::move(status);
}

rt::Co<Outcome<void>> StatusService::stop() {
  stop_requested_.set();
  co_return Outcome<void>();
}

}  // namespace vivim::node
