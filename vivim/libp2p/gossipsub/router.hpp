#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/fifo.hpp"
#include "vivim/crypto/siphash.hpp"
#include "vivim/libp2p/gossipsub/asked.hpp"
#include "vivim/libp2p/gossipsub/events.hpp"
#include "vivim/libp2p/gossipsub/message_cache.hpp"
#include "vivim/libp2p/gossipsub/options.hpp"
#include "vivim/libp2p/gossipsub/protocol.hpp"
#include "vivim/libp2p/gossipsub/score.hpp"
#include "vivim/libp2p/gossipsub/seen_cache.hpp"
#include "vivim/rt/rng.hpp"

namespace vivim::libp2p::gossipsub {

/// What the router is told of a peer.
struct PeerOptions {
  Protocol protocol = Protocol::v1_1;  ///< that was agreed on
  bool outbound = false;               ///< we dialled it: it counts towards d_out
  /// By which it counts with others at the same place; empty: it does not.
  std::vector<std::string> addresses = {};
  Bytes record = {};  ///< its signed peer record, to tell others of
};

/// What the application says of a message.
enum class Verdict : std::uint8_t {
  accept,
  ignore,  ///< not passed on, and nobody's fault
  reject,  ///< who sent it is to blame
};

/// A message that we published.
struct Published {
  MessagePtr message;
  std::size_t peers = 0;  ///< that it was queued for
};

/// A peer of a topic with which partial messages are exchanged.
struct PartialPeer {
  PeerIndex index;
  PeerId peer;
  bool requests = false;  ///< it wants parts; else tell it only which parts there are
};

/// Gossipsub 1.0 to 1.3, and floodsub: which message goes to whom. Sans-IO: what peers sent and
/// the time go in, frames for peers and events come out. After each call the caller takes
/// poll_event() until there is none, and serves next_writable().
///
/// What a peer does costs bounded memory and its own score, nothing else.
class Router {
 public:
  /// `options` are as check() wants them; `rng` must outlive this.
  Router(const PeerId& self, RouterOptions options, rt::Rng& rng, rt::TimePoint now);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  const PeerId& self() const { return self_; }
  const RouterOptions& options() const { return options_; }

  // Peers.

  /// A peer that is not there: it can be written to from now on.
  PeerIndex add_peer(const PeerId& peer, PeerOptions options);
  void remove_peer(PeerIndex index, rt::TimePoint now);
  std::optional<PeerIndex> find_peer(const PeerId& peer) const;
  /// Its addresses or its record are others than add_peer() was told.
  void set_addresses(PeerIndex index, std::vector<std::string> addresses);
  void set_record(PeerIndex index, Bytes record);
  /// P5 of its score.
  void set_app_score(PeerIndex index, double value);
  /// A peer that always gets everything, is in no mesh and has no score: both sides configure it.
  void add_explicit_peer(const PeerId& peer);
  void remove_explicit_peer(const PeerId& peer);

  /// An RPC of a peer, without its length in front. Errors, after which its stream should be reset:
  /// malformed, too_many.
  Result<void> receive(PeerIndex from, BytesView rpc, rt::TimePoint now);

  // Output.

  /// A peer for which something waits since it was last named here.
  std::optional<PeerIndex> next_writable();
  /// Appends whole frames for a peer to `out`, which may become one frame longer than `bytes_max`.
  /// True: there is more.
  bool take_output(PeerIndex index, Bytes& out, std::size_t bytes_max);
  /// Nothing happened that was not told yet: empty.
  std::optional<Event> poll_event();

  // Topics.

  /// Errors: no_topic, too_many_topics, bad_options. Again with other options: only those of
  /// validation and score change.
  Result<void> subscribe(std::string_view topic, TopicOptions options, rt::TimePoint now);
  void unsubscribe(std::string_view topic, rt::TimePoint now);
  bool subscribed(std::string_view topic) const;
  /// Also in topics that we are not subscribed to. Errors: no_topic, too_many_topics, too_large,
  /// duplicate (anonymous messages of the same bytes), no_key.
  Result<Published> publish(std::string_view topic, BytesView data, rt::TimePoint now);
  /// The verdict on a message of a ToValidate. Errors: not_waiting.
  Result<void> validated(const MessageKey& message, Verdict verdict, rt::TimePoint now);

  // Partial messages (specs partial-messages): what parts are is the application's.

  /// We have something of a group: gossip tells of it for some heartbeats. The peers to tell now.
  /// Errors: no_partial.
  Result<std::vector<PartialPeer>> publish_partial(std::string_view topic, BytesView group);
  /// Errors: unknown_peer, no_partial, too_large.
  Result<void> send_partial(PeerIndex to, const wire::Partial& partial);

  // Time.

  /// When on_deadline() is to be called: the next heartbeat.
  rt::TimePoint next_deadline() const { return next_heartbeat_; }
  void on_deadline(rt::TimePoint now);

  // What there is.

  struct TopicInfo {
    std::string name;
    bool subscribed = false;
    std::size_t peers = 0;
    std::size_t mesh = 0;
  };
  struct PeerReport {
    PeerId peer;
    Protocol protocol = Protocol::v1_1;
    double score = 0;
    std::size_t topics = 0;
    std::size_t meshes = 0;
    std::size_t queued_bytes = 0;
  };

  const RouterStats& stats() const { return stats_; }
  std::size_t peers() const { return by_id_.size(); }
  /// Topics that we are in or publish in; the others with `all`.
  std::vector<TopicInfo> topics(bool all = false) const;
  std::vector<PeerReport> peer_reports() const;
  std::vector<PeerId> topic_peers(std::string_view topic) const;
  std::vector<PeerId> mesh_peers(std::string_view topic) const;
  double score(PeerIndex index) const;
  std::size_t seen() const { return seen_.size(); }
  std::size_t waiting() const { return waiting_.size(); }
  std::size_t backoffs(std::string_view topic) const;
  MessageKey key_of(BytesView id) const;

 private:
  struct Peer;
  struct Topic;
  struct Waiting;
  struct Near;
  struct Promise {
    PeerIndex peer;
    rt::TimePoint until;
  };

  // router.cpp
  Peer& at(PeerIndex index) const;
  Topic* find_topic(std::string_view name) const;
  Topic& make_topic(std::string_view name);
  void drop_topic_if_unused(Topic& topic);
  Result<void> check_topic(std::string_view name) const;
  template <class E>
  void emit(E event) {
    events_.push_back(std::move(event));
  }
  void greet(Peer& peer);
  void send_subscriptions(Peer& peer, Topic& topic, bool subscribe);
  wire::Subscription describe(const Topic& topic, bool subscribe) const;

  // router_output.cpp
  void queue(Peer& peer, Lane lane, SharedFrame frame);
  bool queue(Peer& peer, Lane lane, const MessagePtr& message);
  void wake(Peer& peer);
  void overloaded(Peer& peer);
  Bytes& control_for(Peer& peer);
  void flush(Peer& peer);
  void flush_all();

  // router_receive.cpp
  void take_extensions(Peer& peer);
  void take_subscriptions(Peer& peer);
  void take_subscription(Peer& peer, const wire::Subscription& subscription);
  bool add_subscription(Peer& peer, std::string_view name);
  void drop_subscription(Peer& peer, Topic& topic);
  bool unheard(const Peer& peer) const;
  bool take_message(Peer& peer, const wire::MessageView& view, rt::TimePoint now);
  bool duplicate(Peer& peer, Topic& topic, const MessageKey& key, Fate fate, rt::TimePoint now);
  void reject(Peer& peer, Topic& topic);

  // router_messages.cpp
  bool has_room(const Topic& topic, const Message& message) const;
  void begin_validation(Peer& peer, Topic& topic, const MessagePtr& message, rt::TimePoint now);
  void accept(Topic& topic, const MessagePtr& message, const PeerId& source,
              std::span<const PeerIndex> bringers, rt::TimePoint now);
  void settle(Waiting waiting, Verdict verdict, rt::TimePoint now);
  void note_near(Topic& topic, const MessageKey& key, std::span<const PeerIndex> bringers,
                 rt::TimePoint now);
  void forward(Topic& topic, const MessagePtr& message, std::span<const PeerIndex> bringers);
  bool send(Peer& peer, Topic& topic, Lane lane, const MessagePtr& message);
  void tell_unwanted(Peer& source, Topic& topic, const MessagePtr& message);
  MessagePtr make_message(std::string_view topic, BytesView data);
  std::size_t send_own(Topic& topic, const MessagePtr& message, rt::TimePoint now);
  void fill_fanout(Topic& topic);

  // router_control.cpp
  void take_control(Peer& peer, rt::TimePoint now);
  void take_ihave(Peer& peer, rt::TimePoint now);
  bool wanted(Peer& peer, Topic& topic, BytesView id);
  bool holds_place(const Asked::Ask& ask) const;
  bool may_ask(const Peer& peer, const MessageKey& message) const;
  void take_place(const Peer& peer, const MessageKey& message);
  void forget_asks(Peer& peer);
  void ask(Peer& peer, std::vector<BytesView> ids, rt::TimePoint now);
  void take_iwant(Peer& peer);
  void take_idontwant(Peer& peer);
  void fulfil(const MessageKey& key);
  void note_foreign(Peer& peer, Topic& topic, BytesView id);

  // router_mesh.cpp
  void take_graft(Peer& peer, std::string_view name, rt::TimePoint now);
  bool graft_too_early(Peer& peer, Topic& topic, rt::TimePoint now);
  void take_prune(Peer& peer, const wire::Prune& prune, rt::TimePoint now);
  void take_px(Peer& peer, std::span<const wire::PeerInfo> peers);
  void graft(Peer& peer, Topic& topic, rt::TimePoint now);
  void drop_from_mesh(Peer& peer, Topic& topic);
  bool make_room(Topic& topic, rt::TimePoint now);
  bool earns_place(const Peer& peer, Topic& topic, rt::TimePoint now);
  void repair(Topic& topic, Peer& bringer, const Message& message, rt::TimePoint now);
  bool may_push(const Topic& topic, const Peer& peer) const;
  void push_to_asker(Topic& topic, const Peer& peer);
  void keep_pushed(Topic& topic);
  void send_prune(Peer& peer, Topic& topic, rt::Duration backoff, bool px, rt::TimePoint now);
  void prune(Peer& peer, Topic& topic, bool px, rt::TimePoint now);
  void set_backoff(Topic& topic, const PeerId& peer, rt::Duration time, rt::TimePoint now);
  bool backing_off(const Topic& topic, const PeerId& peer, rt::TimePoint now) const;
  void join(Topic& topic, rt::TimePoint now);
  void leave(Topic& topic, rt::TimePoint now);

  // router_heartbeat.cpp
  void forget_old(rt::TimePoint now);
  void break_promises(rt::TimePoint now);
  void reset_counters();
  void keep_mesh(Topic& topic, rt::TimePoint now);
  void graft_more(Topic& topic, std::size_t count, rt::TimePoint now,
                  const std::function<bool(const Peer&)>& suits);
  std::vector<PeerIndex> by_score(std::vector<PeerIndex> peers);
  void prune_surplus(Topic& topic, rt::TimePoint now);
  void keep_outbound(Topic& topic, rt::TimePoint now);
  void graft_opportunistically(Topic& topic, rt::TimePoint now);
  void keep_fanout(Topic& topic, rt::TimePoint now);
  void connect_explicit();
  void collect_gossip();
  void gossip(std::vector<Topic*> topics);
  void emit_gossip(Topic& topic);
  void send_ihave(std::span<const PeerIndex> peers, Topic& topic);
  void add_gossip(Peer& peer, BytesView ihave);
  void frame_gossip(Peer& peer);

  // router_partial.cpp
  void take_partial(Peer& peer);
  bool may_begin_group(Topic& topic, const Peer& peer) const;
  bool partial_with(const Topic& topic, const Peer& peer) const;
  inline bool wants_parts(const Topic& topic, const Peer& peer) const;
  void keep_groups(Topic& topic);
  void gossip_groups(Topic& topic, std::span<const PeerIndex> peers);

  // Choice.
  double score_of(const Peer& peer) const;
  std::uint64_t below(std::uint64_t bound);
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[below(i)]);
    }
  }

  PeerId self_;
  RouterOptions options_;
  rt::Rng& rng_;
  std::vector<std::uint64_t> dice_;  ///< random words in store
  crypto::SipHashKey id_secret_{};
  Score score_;
  SeenCache seen_;
  MessageCache mcache_;
  Asked asked_;
  std::uint32_t moment_ = 1;              ///< heartbeats, peers that came and broken promises
  std::array<std::uint32_t, 3> beats_{};  ///< the moments of the last heartbeats, latest first
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<PeerIndex> free_;
  std::map<PeerId, PeerIndex> by_id_;
  std::set<PeerId> explicit_;
  std::map<std::string, std::unique_ptr<Topic>, std::less<>> topics_;
  std::vector<TopicNumber> free_numbers_;
  TopicNumber numbers_ = 0;
  std::size_t own_topics_ = 0;
  std::map<MessageKey, Waiting> waiting_;
  std::map<MessageKey, Near> near_;  ///< of topics with P3
  std::map<MessageKey, std::vector<Promise>> promises_;
  Fifo<PeerIndex> writable_;
  std::vector<PeerIndex> pending_;  ///< with control that is not framed yet
  std::vector<Event> events_;
  std::size_t events_taken_ = 0;
  wire::Rpc rpc_;
  Bytes id_scratch_;
  Bytes verify_scratch_;
  std::uint64_t seqno_;
  std::uint64_t ticks_ = 0;
  rt::TimePoint next_heartbeat_;
  RouterStats stats_;
};

}  // namespace vivim::libp2p::gossipsub
