#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "vivim/libp2p/gossipsub/message_id.hpp"
#include "vivim/libp2p/gossipsub/outbound_queue.hpp"
#include "vivim/libp2p/gossipsub/score_options.hpp"
#include "vivim/libp2p/record/envelope.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::gossipsub {

/// Longest name of a topic.
inline constexpr std::size_t k_topic_bytes_max = 1024;
/// Longest id of a group of partial messages.
inline constexpr std::size_t k_group_bytes_max = 128;

/// The mesh of a topic and its gossip, by the names of the specification (gossipsub-v1.0
/// "Parameters", gossipsub-v1.1 "Overlay Parameters").
struct MeshOptions {
  std::size_t d = 6;
  std::size_t d_low = 5;
  std::size_t d_high = 12;
  std::size_t d_score = 4;
  std::size_t d_out = 3;
  std::size_t d_lazy = 6;
  double gossip_factor = 0.25;
  std::size_t mcache_len = 5;
  std::size_t mcache_gossip = 3;
  rt::Duration heartbeat_interval = std::chrono::seconds(1);
  rt::Duration heartbeat_initial_delay = std::chrono::milliseconds(100);
  rt::Duration fanout_ttl = std::chrono::minutes(1);
  rt::Duration seen_ttl = std::chrono::minutes(2);
  rt::Duration prune_backoff = std::chrono::minutes(1);
  rt::Duration unsubscribe_backoff = std::chrono::seconds(10);
  /// A member of a full mesh that has brought nothing for so long makes room for a better one.
  rt::Duration idle_time = std::chrono::seconds(5);
  /// Heartbeats for which a peer gets what we pass on, although it is not in the mesh, after it had
  /// to ask us for a message.
  std::size_t push_ticks = 30;
  /// Peers that are grafted in a heartbeat because they brought, asked for, what the mesh did not;
  /// and as many whose GRAFT a full mesh makes room for.
  std::size_t repairs = 3;
  /// A GRAFT so soon after a PRUNE is punished twice.
  rt::Duration graft_flood_threshold = std::chrono::seconds(10);
  rt::Duration iwant_followup_time = std::chrono::seconds(3);
  std::size_t gossip_retransmission = 3;
  std::size_t opportunistic_graft_ticks = 60;
  std::size_t opportunistic_graft_peers = 2;
  std::size_t direct_connect_ticks = 300;
  std::size_t prune_peers = 16;
  /// Messages with less data are not worth an IDONTWANT.
  std::size_t idontwant_bytes_min = 1024;
  /// Our own messages go to all peers of the topic, not to the mesh alone.
  bool flood_publish = true;
  /// Whether our PRUNEs tell of other peers; those of others are heard from accept_px on.
  bool do_px = false;
};

/// What the router takes on; each has a test (docs/limits.md).
struct RouterLimits {
  /// That we subscribed to, or publish in: no more than peers remember of us.
  std::size_t topics_max = 2048;
  std::size_t topics_per_peer_max = 2048;   ///< that a peer subscribed to
  std::size_t topics_of_peers_max = 16384;  ///< that only peers subscribed to
  std::size_t message_bytes_max = (std::size_t{1} << 20U) - 1024;  ///< data of what we publish
  std::size_t seen_max = 131072;
  std::size_t mcache_bytes_max = std::size_t{64} << 20U;
  std::size_t backoffs_per_topic_max = 1024;
  rt::Duration backoff_max = std::chrono::hours(1);  ///< that a peer may ask for
  std::size_t ihave_ids_max = 5000;  ///< asked of a peer in a heartbeat, and told to it per topic
  /// RPCs with gossip that are told to a peer in a heartbeat, and heard of it: or one for each of
  /// its topics, if these are more.
  std::size_t ihave_rpcs_max = 10;
  std::size_t ihave_heard_max = 50000;   ///< ids of gossip looked at, of a peer in a heartbeat
  std::size_t idontwant_ids_max = 5000;  ///< heard of a peer in a heartbeat
  std::size_t asked_of_max = 3;          ///< peers that one message is asked of at a time; of those
                                         ///< that we dialled, one more
  std::size_t waiting_per_topic_max = 256;  ///< messages that wait for the application's verdict
  std::size_t waiting_bytes_per_topic_max = std::size_t{16} << 20U;
  std::size_t groups_per_topic_max = 255;  ///< of partial messages, that peers began
  std::size_t groups_per_peer_max = 8;     ///< of these, in one topic
  QueueLimits queue = {};                  ///< of each peer
};

/// Whether messages of a topic may come in parts (extension partial messages).
enum class PartialMode : std::uint8_t {
  none,
  supports,  ///< we send parts to whom asks for them
  requests,  ///< and want parts in place of whole messages
};

/// A topic that we subscribe to.
struct TopicOptions {
  /// The application judges every message, with Router::validated(), before it is passed on.
  bool validate = false;
  PartialMode partial = PartialMode::none;
  /// Absent: the router's.
  std::optional<TopicScoreOptions> score = {};
};

struct RouterOptions {
  MeshOptions mesh = {};
  ScoreOptions score = {};
  TopicScoreOptions topic_score = {};
  RouterLimits limits = {};
  SignaturePolicy policy = SignaturePolicy::strict_sign;
  IdProfile ids = IdProfile::vivim;
  /// Who signs what we publish; needed to publish with strict_sign.
  std::optional<record::Signer> signer = {};
  /// The first sequence number: from the wall clock, so that it grows over restarts.
  std::uint64_t first_seqno = 1;
  /// Tells peers that we know of partial messages.
  bool partial_messages = true;
};

/// Errors: bad_options; detail: the number of the check.
Result<void> check(const RouterOptions& options);

}  // namespace vivim::libp2p::gossipsub
