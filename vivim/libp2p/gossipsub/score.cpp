#include "vivim/libp2p/gossipsub/score.hpp"

#include <algorithm>

namespace vivim::libp2p::gossipsub {

struct Score::TopicStats {
  TopicNumber topic = 0;
  bool in_mesh = false;
  bool mesh_deliveries_active = false;
  rt::TimePoint grafted{};
  double time_in_mesh = 0;  ///< in quanta
  double first_deliveries = 0;
  bool proven = false;
  double mesh_deliveries = 0;
  double mesh_failure = 0;
  double invalid = 0;
};

struct Score::Record {
  PeerId peer;
  bool connected = true;
  std::vector<TopicStats> topics = {};
  std::vector<Places::iterator> addresses = {};
  double app = 0;
  double behaviour = 0;
  double slow = 0;
  mutable double value = 0;  ///< computed, unless it is stale
  mutable bool stale = true;
  mutable std::uint64_t addresses_at = 0;  ///< of which change of addresses
};

Score::Score(ScoreOptions options) : options_(options) {}

Score::~Score() = default;

void Score::set_topic(TopicNumber topic, const TopicScoreOptions& options) {
  if (topic >= topics_.size()) {
    topics_.resize(topic + 1);
  }
  topics_[topic] = options;
}

void Score::drop_topic(TopicNumber topic) {
  if (topic >= topics_.size() || !topics_[topic]) {
    return;
  }
  topics_[topic].reset();
  for (auto& [peer, record] : records_) {
    record.stale |= std::erase_if(record.topics, [topic](const TopicStats& stats) {
                      return stats.topic == topic;
                    }) > 0;
  }
}

Score::Record& Score::add_peer(const PeerId& peer) {
  const auto [found, made] = records_.try_emplace(peer, Record{.peer = peer});
  if (!made && !found->second.connected) {
    found->second.connected = true;
    std::erase_if(retained_, [&peer](const auto& entry) { return entry.second == peer; });
  }
  return found->second;
}

void Score::remove_peer(Record& record, rt::TimePoint now) {
  for (TopicStats& topic : record.topics) {
    if (topic.in_mesh) {
      pruned(record, topic.topic);
    }
    topic.first_deliveries = 0;
    topic.proven = false;
  }
  // Merits do not outlast a connection: only what is bad is worth remembering, also while it is too
  // little to count.
  record.app = std::min(record.app, 0.0);
  std::erase_if(record.topics, [this](const TopicStats& topic) {
    return topic_penalty(topic, *topics_[topic.topic]) == 0;
  });
  leave_addresses(record);
  record.stale = true;
  if (record.behaviour == 0 && record.topics.empty() && value(record) >= 0) {
    forget(record);
    return;
  }
  record.connected = false;
  if (retained_.size() >= options_.retained_max && !retained_.empty()) {
    const PeerId oldest = retained_.begin()->second;
    retained_.erase(retained_.begin());
    records_.erase(oldest);
  }
  retained_.emplace(now + options_.retain, record.peer);
}

Score::Record* Score::find(const PeerId& peer) {
  const auto found = records_.find(peer);
  return found == records_.end() ? nullptr : &found->second;
}

void Score::forget(Record& record) {
  const PeerId peer = record.peer;
  records_.erase(peer);
}

void Score::leave_addresses(Record& record) {
  for (const auto& address : record.addresses) {
    if (--address->second == 0) {
      at_address_.erase(address);
    }
  }
  record.addresses.clear();
  ++address_changes_;
}

void Score::set_addresses(Record& record, std::vector<std::string> addresses) {
  leave_addresses(record);
  std::ranges::sort(addresses);
  const auto [last, end] = std::ranges::unique(addresses);
  addresses.erase(last, end);
  for (std::string& address : addresses) {
    const auto place = at_address_.try_emplace(std::move(address)).first;
    ++place->second;
    record.addresses.push_back(place);
  }
}

void Score::set_app(Record& record, double value) {
  record.app = value;
  record.stale = true;
}

Score::TopicStats* Score::stats(Record& record, TopicNumber topic) {
  if (topic >= topics_.size() || !topics_[topic]) {
    return nullptr;
  }
  record.stale = true;
  for (TopicStats& stats : record.topics) {
    if (stats.topic == topic) {
      return &stats;
    }
  }
  return &record.topics.emplace_back(TopicStats{.topic = topic});
}

void Score::grafted(Record& record, TopicNumber topic, rt::TimePoint now) {
  if (TopicStats* in = stats(record, topic)) {
    in->in_mesh = true;
    in->mesh_deliveries_active = false;
    in->grafted = now;
    in->time_in_mesh = 0;
  }
}

void Score::pruned(Record& record, TopicNumber topic) {
  TopicStats* in = stats(record, topic);
  if (in == nullptr || !in->in_mesh) {
    return;
  }
  const double threshold = topics_[topic]->mesh_deliveries_threshold;
  if (in->mesh_deliveries_active && in->mesh_deliveries < threshold) {
    const double deficit = threshold - in->mesh_deliveries;
    in->mesh_failure += deficit * deficit;
  }
  in->in_mesh = false;
  in->mesh_deliveries_active = false;
  in->time_in_mesh = 0;
}

void Score::first_delivery(Record& record, TopicNumber topic, BytesView author) {
  if (TopicStats* in = stats(record, topic)) {
    const TopicScoreOptions& options = *topics_[topic];
    in->first_deliveries = std::min(in->first_deliveries + 1, options.first_deliveries_cap);
    if (in->in_mesh) {
      in->mesh_deliveries = std::min(in->mesh_deliveries + 1, options.mesh_deliveries_cap);
    }
    in->proven = in->proven || !same_bytes(author, record.peer.bytes());
  }
}

void Score::near_delivery(Record& record, TopicNumber topic) {
  TopicStats* in = stats(record, topic);
  if (in != nullptr && in->in_mesh) {
    in->mesh_deliveries = std::min(in->mesh_deliveries + 1, topics_[topic]->mesh_deliveries_cap);
  }
}

void Score::invalid_message(Record& record, TopicNumber topic) {
  if (TopicStats* in = stats(record, topic)) {
    in->invalid += 1;
  }
}

void Score::penalize(Record& record, double count) {
  record.behaviour += count;
  record.stale = true;
}

void Score::slow(Record& record) {
  record.slow += 1;
  record.stale = true;
}

bool Score::idle(const Record& record, TopicNumber topic, rt::Duration at_least,
                 rt::TimePoint now) const {
  const auto found = std::ranges::find(record.topics, topic, &TopicStats::topic);
  return found != record.topics.end() && found->in_mesh && found->first_deliveries == 0 &&
         now - found->grafted >= at_least;
}

bool Score::proven(const Record& record, TopicNumber topic) const {
  const auto found = std::ranges::find(record.topics, topic, &TopicStats::topic);
  return found != record.topics.end() && found->proven && found->first_deliveries > 0;
}

double Score::topic_merit(const TopicStats& stats, const TopicScoreOptions& options) const {
  const double time = std::min(stats.time_in_mesh, options.time_in_mesh_cap);
  return options.weight * ((stats.in_mesh ? options.time_in_mesh_weight * time : 0) +
                           options.first_deliveries_weight * stats.first_deliveries);
}

double Score::topic_penalty(const TopicStats& stats, const TopicScoreOptions& options) const {
  double penalty = options.mesh_failure_weight * stats.mesh_failure +
                   options.invalid_weight * stats.invalid * stats.invalid;
  if (stats.mesh_deliveries_active && stats.mesh_deliveries < options.mesh_deliveries_threshold) {
    const double deficit = options.mesh_deliveries_threshold - stats.mesh_deliveries;
    penalty += options.mesh_deliveries_weight * deficit * deficit;
  }
  return options.weight * penalty;
}

double Score::colocation(const Record& record) const {
  double sum = 0;
  for (const auto& address : record.addresses) {
    const double surplus = static_cast<double>(address->second) - options_.colocation_threshold;
    if (surplus > 0) {
      sum += surplus * surplus;
    }
  }
  return options_.colocation_weight * sum;
}

double Score::compute(const Record& record) const {
  double merit = 0;
  double penalty = 0;
  for (const TopicStats& stats : record.topics) {
    const TopicScoreOptions& options = *topics_[stats.topic];
    merit += topic_merit(stats, options);
    penalty += topic_penalty(stats, options);
  }
  const double app = options_.app_weight * record.app;
  const double excess = record.behaviour - options_.behaviour_threshold;
  const double behaviour = excess > 0 ? options_.behaviour_weight * excess * excess : 0;
  const double slow_excess = record.slow - options_.slow_threshold;
  const double slow = slow_excess > 0 ? options_.slow_weight * slow_excess : 0;
  const double cap = options_.topic_cap;
  if (options_.balance == Balance::summed) {
    const double topics = cap > 0 ? std::min(merit + penalty, cap) : merit + penalty;
    return topics + app + colocation(record) + behaviour + slow;
  }
  merit = (cap > 0 ? std::min(merit, cap) : merit) + std::max(app, 0.0);
  penalty += behaviour + std::min(app, 0.0);
  return (penalty < 0 ? penalty : merit) + colocation(record) + slow;
}

double Score::value(const Record& record) const {
  if (record.stale || record.addresses_at != address_changes_) {
    record.value = compute(record);
    record.stale = false;
    record.addresses_at = address_changes_;
  }
  return record.value;
}

void Score::faded(double& value, double decay) const {
  value *= decay;
  if (value < options_.decay_to_zero) {
    value = 0;
  }
}

void Score::decay_topic(TopicStats& stats, rt::TimePoint now) {
  const TopicScoreOptions& options = *topics_[stats.topic];
  faded(stats.first_deliveries, options.first_deliveries_decay);
  stats.proven = stats.proven && stats.first_deliveries > 0;
  faded(stats.mesh_deliveries, options.mesh_deliveries_decay);
  faded(stats.mesh_failure, options.mesh_failure_decay);
  faded(stats.invalid, options.invalid_decay);
  if (stats.in_mesh) {
    const rt::Duration time = now - stats.grafted;
    stats.time_in_mesh = static_cast<double>(time / options.time_in_mesh_quantum);
    stats.mesh_deliveries_active |= time > options.mesh_deliveries_activation;
  }
}

void Score::decay(Record& record, rt::TimePoint now) {
  for (TopicStats& topic : record.topics) {
    decay_topic(topic, now);
  }
  faded(record.behaviour, options_.behaviour_decay);
  faded(record.slow, options_.slow_decay);
  record.stale = true;
}

void Score::refresh(rt::TimePoint now) {
  while (!retained_.empty() && retained_.begin()->first <= now) {
    records_.erase(retained_.begin()->second);
    retained_.erase(retained_.begin());
  }
  if (now < next_refresh_) {
    return;
  }
  next_refresh_ = now + options_.decay_interval;
  // Of who is away nothing decays: to go and come again shall not help (specs "Score Retention").
  for (auto& [peer, record] : records_) {
    if (record.connected) {
      decay(record, now);
    }
  }
}

}  // namespace vivim::libp2p::gossipsub
