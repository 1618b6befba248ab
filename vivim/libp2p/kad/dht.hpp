#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/kad/answer_times.hpp"
#include "vivim/libp2p/kad/network_size.hpp"
#include "vivim/libp2p/kad/query.hpp"
#include "vivim/libp2p/kad/rpc.hpp"
#include "vivim/libp2p/kad/server.hpp"
#include "vivim/libp2p/kad/tally.hpp"
#include "vivim/multiformats/address_scope.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::libp2p::kad {

struct DhtTimes {
  rt::Duration refresh = std::chrono::minutes(10);  ///< of buckets, and of our own neighbourhood
  rt::Duration check = std::chrono::seconds(20);    ///< between looks at who may be gone
  rt::Duration republish = std::chrono::hours(22);
  rt::Duration republish_retry = std::chrono::minutes(5);
  rt::Duration operation_max = std::chrono::seconds(60);  ///< a lookup ends then, labelled so
  rt::Duration inbound_idle = std::chrono::minutes(1);    ///< a stream of others without requests
};

struct DhtLimits {
  std::size_t requests_max = 256;  ///< of ours, under way
  std::size_t inbound_streams_max = 256;
  std::size_t inbound_streams_per_peer_max = 16;
  std::size_t messages_per_stream_max = 4096;
  std::size_t published_max = 16'384;  ///< keys that are kept alive
  std::size_t region_nodes_max = 8 * k_replication;
};

/// What is done against ids that somebody made near a key.
enum class Regions : std::uint8_t {
  when_crowded,  ///< the whole region of the key is asked, and told
  never,         ///< the plain algorithm
};

struct DhtOptions {
  Mode mode = Mode::automatic;
  RpcOptions rpc = {};
  QueryOptions query = {};
  Regions regions = Regions::when_crowded;
  RoutingTableLimits table = {};
  RecordLimits records = {};
  ProviderLimits providers = {};
  ServerLimits server = {};
  DhtTimes times = {};
  DhtLimits limits = {};
  /// What encode_table() gave in an earlier life; what cannot be read is forgotten.
  Bytes known = {};
  /// What encode_values() gave in an earlier life; the same.
  Bytes held = {};
  /// Who judges values; those of Validators::standard() if empty.
  std::optional<Validators> validators = {};
};

/// How a lookup went.
struct LookupReport {
  std::vector<Contact> closest;  ///< nearest first
  QueryEnd end = QueryEnd::exhausted;
  unsigned hops = 0;
  std::size_t asked = 0;
  std::size_t answers = 0;
  rt::Duration time{};
};

struct FoundPeer {
  Contact contact;
  bool is_signed = false;  ///< its own record says where it is
  unsigned hops = 0;       ///< answers in a row that led to its address; 0: it was known
  LookupReport lookup;
};

struct FoundValue {
  Bytes value;
  std::size_t votes = 0;   ///< nodes that told it
  bool disagreed = false;  ///< others told other valid values
  bool region = false;     ///< the whole region of the key was asked
  LookupReport lookup;
};

struct FoundProviders {
  std::vector<FoundProvider> providers;  ///< signed ones first, then by how many told them
  bool region = false;
  unsigned hops = 0;  ///< answers in a row that led to the first one; 0: it was known
  LookupReport lookup;
};

/// Where something was stored.
struct Stored {
  std::size_t stored = 0;  ///< nodes that took it
  std::size_t tried = 0;
  /// Returned while others were still being told; then `lookup` may be still running.
  bool early = false;
  bool region = false;  ///< the nearest were too close to be chance: the whole region was told
  LookupReport lookup;
};

struct FindOptions {
  /// Ends the lookup, labelled QueryEnd::stopped, when so many were found or told the same value;
  /// 0: never. What comes early is what an attacker near the key says.
  std::size_t enough = 0;
  /// A provider was found; called while the lookup goes on. Must not await.
  std::function<void(const FoundProvider&)> on_found = {};
};

/// The Kademlia DHT over a host: who is where, who has what, and small signed values
/// (docs/protocol/kad.md). The host must outlive it.
///
///   Dht dht(host, rng, record::Signer::of(key), {.mode = Mode::server});
///   dht.start();
///   co_await dht.provide(multihash.bytes());
///   ...
///   dht.quit(); co_await host.stop(); co_await dht.stop();
///
/// Everything that is awaited ends with KadError::stopping when it stops.
class Dht {
 public:
  /// `signer` is the host's identity.
  Dht(Host& host, rt::Rng& rng, record::Signer signer, DhtOptions options = {});
  ~Dht();
  Dht(const Dht&) = delete;
  Dht& operator=(const Dht&) = delete;

  /// Begins to serve, if the mode says so, and to keep the table fresh. Error: that of
  /// Host::handle.
  Result<void> start();
  /// Ends conversations; nothing new begins. Before the host stops.
  void quit();
  /// Awaited before it goes, after quit(); waits for dials that are under way, which end when the
  /// host stops.
  rt::Co<void> stop();

  /// In automatic mode: others can reach us, so we serve; or not.
  void set_reachable(bool reachable);
  bool serving() const { return serving_; }

  /// The nodes nearest to a key. Errors of this and the following: no_peers, stopping.
  rt::Co<Result<LookupReport>> find_closest(Bytes key);
  /// Where a peer is. Error: not_found.
  rt::Co<Result<FoundPeer>> find_peer(PeerId peer);
  /// The best value of a key. Those among the nearest that have another are told it. Errors:
  /// bad_key, unknown_namespace, not_found.
  rt::Co<Result<FoundValue>> get_value(Bytes key, FindOptions options = {});
  /// Stores a value with the nearest nodes. Errors: those of Validators::validate, not_found when
  /// nobody took it.
  rt::Co<Result<Stored>> put_value(Bytes key, Bytes value);
  /// Says once that we have what is under a key (a multihash). Errors: bad_key, not_found when
  /// nobody took it.
  rt::Co<Result<Stored>> provide(Bytes key);
  /// Who has what is under a key. Error: bad_key.
  rt::Co<Result<FoundProviders>> find_providers(Bytes key, FindOptions options = {});

  /// Provides a key again and again, from soon on. Errors: bad_key, too_many_provided.
  Result<void> keep_providing(const Bytes& key);
  /// Puts a value again and again, so that it outlives those who hold it: each time the one that
  /// `make` gives, which may be signed anew before the last one is over. `make` is called until
  /// stop_publishing() or stop(). Errors: those of Validators::validate, too_many_provided.
  Result<void> keep_putting(const Bytes& key, std::function<Bytes()> make);
  /// The same, always this value.
  Result<void> keep_putting(const Bytes& key, const Bytes& value) {
    return keep_putting(key, [value] { return value; });
  }
  /// Forgets both; what others know expires.
  void stop_publishing(const Bytes& key);
  std::size_t published() const { return published_.size(); }
  /// Requests that it made of others so far.
  std::uint64_t asked() const { return asked_; }

  const RoutingTable& table() const { return table_; }
  const Records& records() const { return records_; }
  const Providers& providers() const { return providers_; }
  /// How many nodes the DHT has; none while too little is known. Never fewer than the table holds:
  /// who joined early has looked things up in a smaller network.
  std::optional<double> network_size() const;
  /// Whom we know, for DhtOptions::known.
  Bytes encode_table() const { return table_.encode(); }
  /// The values that we hold for others, for DhtOptions::held.
  Bytes encode_values() const { return records_.encode(now(), wall()); }

 private:
  struct Lookup;
  struct Asking;
  struct Storing;
  struct Inbound;
  /// Of a peer that we are connected with.
  struct Remote {
    std::vector<Group> groups;
    multiformats::AddressScope scope = multiformats::AddressScope::global;
  };
  struct Published {
    std::function<Bytes()> make_value;  ///< none: we provide what is under the key
    rt::TimePoint due{};
  };
  /// Lets stop() wait for the calls that are under way.
  struct Call {
    explicit Call(Dht& dht);
    ~Call();
    Dht& dht;
  };
  using OnAnswer = std::function<void(Lookup&, const Contact&, const Message&)>;

  // dht.cpp
  void on_host_event(const HostEvent& event);
  void consider(const PeerId& peer);
  std::vector<Group> groups_of_peer(const PeerId& peer) const;
  std::vector<Multiaddr> addresses_of(const PeerId& peer) const;
  std::vector<Multiaddr> addresses_in(const peerstore::Entry& entry) const;
  std::optional<PeerInfo> describe(const PeerId& peer) const;
  PeerInfo describe_self() const;
  Result<void> set_serving(bool serving);
  bool stopping() const { return quit_ || tasks_.stopping(); }
  rt::TimePoint now() const { return host_.loop().clock().now(); }
  rt::WallMs wall() const { return host_.loop().clock().wall_now_ms(); }

  // dht_lookup.cpp
  rt::Co<Result<LookupReport>> look_up(Bytes key, Message request, OnAnswer on_answer,
                                       Distance near = {});
  rt::Co<void> drive(std::shared_ptr<Lookup> lookup);
  rt::Co<void> ask(std::shared_ptr<Lookup> lookup, Contact contact);
  void had_no_room(Lookup& lookup, const PeerId& peer);
  void note_answer(const Contact& contact);
  void note_failure(const Contact& contact, const Error& error);
  std::vector<Contact> take_closer(const Contact& teller, const Message& answer) const;
  multiformats::AddressScope scope_of_peer(const PeerId& peer) const;
  bool is_crowded_at(const Key& target, const std::vector<Key>& closest) const;
  rt::Co<std::vector<Contact>> find_region(Key target);
  rt::Co<void> ask_each(std::vector<Contact> nodes, Message request,
                        std::function<void(const Contact&, const Message&)> on_answer);
  rt::Co<void> ask_one(std::shared_ptr<Asking> asking, Contact node);
  /// Waits until `condition` holds, looked at whenever `changed` is set; or until it stops.
  rt::Co<void> wait_for(rt::Event& changed, std::function<bool()> condition);

  // dht_values.cpp
  rt::Co<Result<Stored>> store(Bytes key, Message message);
  rt::Co<void> find_and_store(std::shared_ptr<Storing> storing);
  bool is_settled(const Storing& storing) const;
  void store_with(const std::shared_ptr<Storing>& storing, const Contact& node);
  rt::Co<void> store_one(std::shared_ptr<Storing> storing, Contact node);
  rt::Co<void> correct(Bytes key, Bytes value, std::vector<Contact> nodes);

  // dht_upkeep.cpp
  rt::Co<void> keep_house();
  rt::Co<void> greet(Contact contact);
  rt::Co<void> refresh(std::size_t enough);
  rt::Co<void> fill(unsigned bucket, std::size_t enough);
  rt::Co<void> check_one();
  rt::Co<void> publish_due();
  Result<void> keep_publishing(const Bytes& key, Published published);

  // dht_server.cpp
  rt::Co<void> serve(InboundStream inbound);
  rt::Co<Result<void>> converse(Inbound& inbound);
  bool has_room_for(const Inbound& inbound);

  // dht_metrics.cpp
  void publish(metrics::Registry& registry) const;

  Host& host_;
  rt::Rng& rng_;
  record::Signer signer_;
  DhtOptions options_;
  Validators validators_;
  RoutingTable table_;
  Records records_;
  Providers providers_;
  Server server_;
  NetworkSize network_size_;
  AnswerTimes answer_times_;
  Rpc rpc_;
  std::map<PeerId, Remote> remotes_;
  std::map<Bytes, Published> published_;
  std::size_t requests_ = 0;  ///< of ours, under way
  bool serving_ = false;
  bool reachable_ = false;
  bool refresh_soon_ = true;
  bool quit_ = false;
  std::vector<Inbound*> inbound_;                       ///< streams of others, the oldest first
  std::map<std::string_view, std::uint64_t> answered_;  ///< by type
  std::map<std::string_view, std::uint64_t> refused_;   ///< by why
  std::map<std::string_view, std::uint64_t> lookups_;   ///< by end
  std::uint64_t asked_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t regions_ = 0;
  std::unique_ptr<rt::Timer> house_timer_;
  // To be woken when it stops; in their order, so that a run can be repeated.
  std::vector<rt::Timer*> waiting_lookups_;
  std::vector<rt::Event*> waiting_calls_;
  std::size_t calls_ = 0;
  rt::Event idle_;
  Subscription subscription_;
  Subscription published_metrics_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p::kad
