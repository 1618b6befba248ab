#include "vivim/libp2p/gossipsub/router.hpp"

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/gossipsub/router_detail.hpp"

namespace vivim::libp2p::gossipsub {

Router::Router(const PeerId& self, RouterOptions options, rt::Rng& rng, rt::TimePoint now)
    : self_(self),
      options_(std::move(options)),
      rng_(rng),
      score_(options_.score),
      seen_(options_.mesh.seen_ttl, options_.limits.seen_max),
      mcache_(options_.mesh.mcache_len, options_.mesh.mcache_gossip,
              options_.limits.mcache_bytes_max),
      seqno_(options_.first_seqno),
      next_heartbeat_(now + options_.mesh.heartbeat_initial_delay) {
  rng_.fill(id_secret_);
}

Router::~Router() = default;

// Peers.

PeerIndex Router::add_peer(const PeerId& peer, PeerOptions options) {
  VIVIM_ASSERT(!by_id_.contains(peer));
  PeerIndex index{};
  if (free_.empty()) {
    index = static_cast<PeerIndex>(peers_.size());
    peers_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  auto& slot = peers_[static_cast<std::size_t>(index)];
  slot = std::make_unique<Peer>(index, peer, score_.add_peer(peer), options_.limits.queue);
  slot->protocol = options.protocol;
  slot->outbound = options.outbound;
  slot->is_explicit = explicit_.contains(peer);
  forget_asks(*slot);
  slot->signed_record = std::move(options.record);
  by_id_.emplace(peer, index);
  score_.set_addresses(*slot->record, std::move(options.addresses));
  greet(*slot);
  flush_all();
  return index;
}

void Router::remove_peer(PeerIndex index, rt::TimePoint now) {
  Peer& peer = at(index);
  while (!peer.topics.empty()) {
    drop_subscription(peer, *peer.topics.back());
  }
  std::erase(pending_, index);
  for (auto& [key, promises] : promises_) {
    const auto broken =
        std::erase_if(promises, [index](const Promise& promise) { return promise.peer == index; });
    stats_.promises_broken += broken;
    // Else who goes before its time is up could promise what it likes.
    score_.penalize(*peer.record, static_cast<double>(broken));
  }
  for (auto& [key, near] : near_) {
    std::erase(near.peers, index);
  }
  score_.remove_peer(*peer.record, now);
  by_id_.erase(peer.id);
  peers_[static_cast<std::size_t>(index)].reset();
  free_.push_back(index);
}

std::optional<PeerIndex> Router::find_peer(const PeerId& peer) const {
  const auto found = by_id_.find(peer);
  return found == by_id_.end() ? std::nullopt : std::optional(found->second);
}

void Router::set_addresses(PeerIndex index, std::vector<std::string> addresses) {
  score_.set_addresses(*at(index).record, std::move(addresses));
}

void Router::set_record(PeerIndex index, Bytes record) {
  at(index).signed_record = std::move(record);
}

void Router::set_app_score(PeerIndex index, double value) {
  score_.set_app(*at(index).record, value);
}

void Router::add_explicit_peer(const PeerId& peer) {
  explicit_.insert(peer);
  const auto index = find_peer(peer);
  if (!index) {
    emit(Connect{.peer = peer, .record = {}});
    return;
  }
  Peer& known = at(*index);
  known.is_explicit = true;
  for (Topic* topic : known.topics) {
    topic->always.insert(*index);
    drop_from_mesh(known, *topic);
  }
}

void Router::remove_explicit_peer(const PeerId& peer) {
  explicit_.erase(peer);
  if (const auto index = find_peer(peer)) {
    Peer& known = at(*index);
    known.is_explicit = false;
    for (Topic* topic : known.topics) {
      if (known.protocol != Protocol::floodsub) {
        topic->always.erase(*index);
      }
    }
  }
}

Router::Peer& Router::at(PeerIndex index) const {
  const auto place = static_cast<std::size_t>(index);
  VIVIM_ASSERT(place < peers_.size() && peers_[place] != nullptr);
  return *peers_[place];
}

// Topics.

Router::Topic* Router::find_topic(std::string_view name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second.get();
}

Router::Topic& Router::make_topic(std::string_view name) {
  if (Topic* topic = find_topic(name)) {
    return *topic;
  }
  auto& topic = topics_[std::string(name)];
  topic = std::make_unique<Topic>();
  topic->name = name;
  if (free_numbers_.empty()) {
    topic->number = numbers_++;
  } else {
    topic->number = free_numbers_.back();
    free_numbers_.pop_back();
  }
  return *topic;
}

void Router::drop_topic_if_unused(Topic& topic) {
  if (topic.own() || !topic.peers.empty() || topic.waiting > 0 || !topic.backoffs.empty()) {
    return;
  }
  score_.drop_topic(topic.number);
  free_numbers_.push_back(topic.number);
  topics_.erase(topics_.find(topic.name));
}

Result<void> Router::check_topic(std::string_view name) const {
  if (name.empty() || name.size() > k_topic_bytes_max) {
    return fail(GossipsubError::no_topic, name.size());
  }
  const Topic* known = find_topic(name);
  if ((known == nullptr || !known->own()) && own_topics_ >= options_.limits.topics_max) {
    return fail(GossipsubError::too_many_topics, options_.limits.topics_max);
  }
  return {};
}

Result<void> Router::subscribe(std::string_view name, TopicOptions options, rt::TimePoint now) {
  VIVIM_TRYV(check_topic(name));
  const TopicScoreOptions score = options.score.value_or(options_.topic_score);
  VIVIM_TRYV(check(score));
  Topic& topic = make_topic(name);
  score_.set_topic(topic.number, score);
  if (topic.subscribed) {
    const PartialMode partial = topic.options.partial;
    topic.options = std::move(options);
    topic.options.partial = partial;
    return {};
  }
  own_topics_ += topic.own() ? 0 : 1;
  topic.options = std::move(options);
  topic.subscribed = true;
  for (const auto& peer : peers_) {
    if (peer) {
      send_subscriptions(*peer, topic, true);
    }
  }
  join(topic, now);
  flush_all();
  return {};
}

void Router::unsubscribe(std::string_view name, rt::TimePoint now) {
  Topic* topic = find_topic(name);
  if (topic == nullptr || !topic->subscribed) {
    return;
  }
  leave(*topic, now);
  topic->subscribed = false;
  topic->options.partial = PartialMode::none;
  topic->groups.clear();
  for (const auto& peer : peers_) {
    if (peer) {
      send_subscriptions(*peer, *topic, false);
    }
  }
  own_topics_ -= topic->own() ? 0 : 1;
  flush_all();
  drop_topic_if_unused(*topic);
}

bool Router::subscribed(std::string_view name) const {
  const Topic* topic = find_topic(name);
  return topic != nullptr && topic->subscribed;
}

wire::Subscription Router::describe(const Topic& topic, bool subscribe) const {
  const PartialMode partial = topic.options.partial;
  return {.topic = topic.name,
          .subscribe = subscribe,
          .requests_partial = subscribe && partial == PartialMode::requests,
          .supports_partial = subscribe && partial != PartialMode::none};
}

void Router::send_subscriptions(Peer& peer, Topic& topic, bool subscribe) {
  wire::Subscription subscription = describe(topic, subscribe);
  if (peer.protocol < Protocol::v1_3) {
    subscription.requests_partial = false;
    subscription.supports_partial = false;
  }
  control_for(peer);
  wire::append_subscription(peer.subscriptions, subscription);
}

/// The extensions are in the first RPC, or nowhere (gossipsub-v1.3).
void Router::greet(Peer& peer) {
  if (peer.protocol >= Protocol::v1_3 && options_.partial_messages) {
    wire::append_extensions(control_for(peer), {.partial_messages = true});
  }
  for (const auto& [name, topic] : topics_) {
    if (topic->subscribed) {
      send_subscriptions(peer, *topic, true);
    }
  }
}

// What there is.

std::optional<Event> Router::poll_event() {
  if (events_taken_ == events_.size()) {
    constexpr std::size_t k_kept_max = 64;
    if (events_.capacity() > k_kept_max) {
      events_ = std::vector<Event>();
    }
    events_.clear();
    events_taken_ = 0;
    return std::nullopt;
  }
  return std::move(events_[events_taken_++]);
}

std::vector<Router::TopicInfo> Router::topics(bool all) const {
  std::vector<TopicInfo> found;
  for (const auto& [name, topic] : topics_) {
    if (all || topic->own()) {
      found.push_back({.name = name,
                       .subscribed = topic->subscribed,
                       .peers = topic->peers.size(),
                       .mesh = topic->mesh.size()});
    }
  }
  return found;
}

std::vector<Router::PeerReport> Router::peer_reports() const {
  std::vector<PeerReport> found;
  for (const auto& [id, index] : by_id_) {
    const Peer& peer = at(index);
    const auto meshes = std::ranges::count_if(
        peer.topics, [index](const Topic* topic) { return topic->mesh.contains(index); });
    found.push_back({.peer = id,
                     .protocol = peer.protocol,
                     .score = score_of(peer),
                     .topics = peer.topics.size(),
                     .meshes = static_cast<std::size_t>(meshes),
                     .queued_bytes = peer.queue.bytes()});
  }
  return found;
}

std::vector<PeerId> Router::topic_peers(std::string_view name) const {
  std::vector<PeerId> found;
  if (const Topic* topic = find_topic(name)) {
    for (const PeerIndex index : topic->peers) {
      found.push_back(at(index).id);
    }
  }
  return found;
}

std::vector<PeerId> Router::mesh_peers(std::string_view name) const {
  std::vector<PeerId> found;
  if (const Topic* topic = find_topic(name)) {
    for (const PeerIndex index : topic->mesh) {
      found.push_back(at(index).id);
    }
  }
  return found;
}

double Router::score(PeerIndex index) const {
  return score_of(at(index));
}

std::size_t Router::backoffs(std::string_view name) const {
  const Topic* topic = find_topic(name);
  return topic == nullptr ? 0 : topic->backoffs.size();
}

MessageKey Router::key_of(BytesView id) const {
  const auto words = crypto::siphash128(id_secret_, id);
  // The key of zeros stands for none in tables.
  return {.high = words[0], .low = words[0] == 0 && words[1] == 0 ? 1 : words[1]};
}

double Router::score_of(const Peer& peer) const {
  return score_.value(*peer.record);
}

std::uint64_t Router::below(std::uint64_t bound) {
  // Taken in blocks: the operating system is asked seldom.
  constexpr std::size_t k_words = 64;
  if (dice_.empty()) {
    dice_.resize(k_words);
    rng_.fill({reinterpret_cast<std::uint8_t*>(dice_.data()), k_words * sizeof(std::uint64_t)});
  }
  const std::uint64_t word = dice_.back();
  dice_.pop_back();
  // The bias of a multiplication is below 2^-32 for so few peers.
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(word) * bound) >> 64U);
}

}  // namespace vivim::libp2p::gossipsub
