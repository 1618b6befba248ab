#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "vivim/base/roll.hpp"
#include "vivim/libp2p/gossipsub/router.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::libp2p::gossipsub {

/// Largest RPC that is read, and peers that are dialled at a time because others told of them.
inline constexpr std::size_t k_rpc_bytes_max = std::size_t{1} << 20U;
inline constexpr std::size_t k_dials_max = 8;
/// Streams of one peer that are read at a time: a new one takes the place of the oldest.
inline constexpr std::size_t k_streams_per_peer_max = 2;

struct ServiceOptions {
  /// `signer` is the host's identity, for strict_sign; `first_seqno` of 1 becomes the wall clock.
  RouterOptions router = {};
  /// A peer whose stream cannot be opened, or ends, is tried again after this.
  rt::Duration retry = std::chrono::seconds(1);
  /// So often, until it connects anew, or a stream has lasted for so long.
  std::size_t tries_max = 5;
  rt::Duration settled = std::chrono::minutes(1);
  /// Bytes that are written at once.
  std::size_t batch_bytes = std::size_t{64} * 1024;
};

/// Gossipsub over a host: a stream to and from each peer that speaks it, and the heartbeat. One
/// loop. stop() is awaited after the host has stopped, or before: then its peers stay connected.
class Service {
 public:
  /// What is given must outlive this. The options are as check() wants them.
  Service(Host& host, rt::Loop& loop, rt::Rng& rng, ServiceOptions options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Serves the protocols, and begins with the peers that are connected. Errors: those of check(),
  /// HostError::too_many_protocols.
  Result<void> start();
  rt::Co<void> stop();

  // As Router's, and what follows from them is sent. Several may subscribe to a topic: it is left
  // with the last of them, and its messages are judged as long as one of them judges
  // (TopicOptions::validate), whose options are then those of all. Who unsubscribes says again
  // whether they judged.
  enum class Role : std::uint8_t { hears, judges };
  Result<void> subscribe(std::string_view topic, TopicOptions options = {});
  void unsubscribe(std::string_view topic, Role role = Role::hears);
  Result<Published> publish(std::string_view topic, BytesView data);
  Result<void> validated(const MessageKey& message, Verdict verdict);
  Result<std::vector<PartialPeer>> publish_partial(std::string_view topic, BytesView group);
  Result<void> send_partial(PeerIndex to, const wire::Partial& partial);
  void add_explicit_peer(const PeerId& peer);
  void set_app_score(const PeerId& peer, double value);

  /// Events of the router, in order, until the subscription ends: all observers get all. Must not
  /// await; may call the service, whose further events come afterwards. The subscription must not
  /// outlive this.
  Subscription observe(std::function<void(const Event&)> observer);

  const Router& router() const { return router_; }
  /// Peers that are connected, whether they speak gossipsub or not.
  std::size_t connected() const { return links_.size(); }

 private:
  struct Session;
  /// What is known of a connected peer.
  struct Link {
    bool outbound = false;
    std::set<std::string> addresses = {};
    std::size_t tries = 0;
  };

  /// Who subscribed to a topic.
  struct Holders {
    std::size_t all = 0;
    std::size_t judges = 0;
    TopicOptions of_others = {};  ///< of the first who does not judge: without judges, they count
  };

  rt::TimePoint now() const { return loop_.clock().now(); }
  void on_host_event(const HostEvent& event);
  void note_connection(const PeerId& peer, Direction direction, const Multiaddr& remote);
  void on_identified(const PeerId& peer);
  void meet_if_spoken(const PeerInfo& peer);
  void meet(const PeerId& peer);
  void pump();
  void handle(const Event& event);
  void tell(const Event& event);
  void on_mesh(const MeshChanged& change);
  void connect(const Connect& wanted);
  rt::Co<void> dial(PeerId peer);
  rt::Co<void> keep_session(std::shared_ptr<Session> session);
  rt::Co<Result<void>> write(std::shared_ptr<Session> session);
  rt::Co<void> watch(std::shared_ptr<Session> session);
  rt::Co<void> retry(PeerId peer);
  rt::Co<void> serve(InboundStream inbound);
  rt::Co<Result<void>> read(rt::Stream& stream, std::shared_ptr<Session> session);
  rt::Co<void> beat();
  void publish_metrics(metrics::Registry& registry) const;

  Host& host_;
  rt::Loop& loop_;
  ServiceOptions options_;
  Router router_;
  std::vector<std::string> protocols_;
  std::map<std::string, Holders, std::less<>> holders_;  ///< of each topic
  std::map<PeerId, Link> links_;
  std::map<PeerId, std::shared_ptr<Session>> sessions_;
  std::vector<std::shared_ptr<Session>> by_index_;  ///< of Router's peers
  std::map<PeerId, std::size_t> meshes_;            ///< that a peer is in
  std::map<std::uint64_t, std::shared_ptr<const std::function<void(const Event&)>>> observers_;
  std::uint64_t next_observer_ = 1;
  Roll<rt::Timer> retries_;
  std::unique_ptr<rt::Timer> timer_;
  Subscription watching_;
  Subscription published_;
  std::size_t dials_ = 0;
  bool pumping_ = false;
  bool stopping_ = false;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p::gossipsub
