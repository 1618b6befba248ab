#include "vivim/libp2p/gossipsub/options.hpp"

#include <initializer_list>

#include "vivim/libp2p/gossipsub/asked.hpp"
#include "vivim/libp2p/gossipsub/error.hpp"

namespace vivim::libp2p::gossipsub {

Result<void> check(const RouterOptions& options) {
  const MeshOptions& mesh = options.mesh;
  std::uint64_t number = 100;
  for (const bool good : {
           mesh.d_low <= mesh.d && mesh.d <= mesh.d_high,
           mesh.d > 0,
           mesh.d_score <= mesh.d,
           mesh.d_out < mesh.d_low || mesh.d_out == 0,
           mesh.d_out <= mesh.d / 2,
           mesh.mcache_gossip <= mesh.mcache_len && mesh.mcache_len > 0,
           mesh.gossip_factor >= 0 && mesh.gossip_factor <= 1,
           mesh.heartbeat_interval >= std::chrono::milliseconds(10),
           mesh.opportunistic_graft_ticks > 0 && mesh.direct_connect_ticks > 0,
           options.limits.asked_of_max < Asked::k_peers_max,
           options.limits.topics_max <= options.limits.topics_per_peer_max,
       }) {
    if (!good) {
      return fail(GossipsubError::bad_options, number);
    }
    ++number;
  }
  VIVIM_TRYV(check(options.score));
  return check(options.topic_score);
}

}  // namespace vivim::libp2p::gossipsub
