#include "vivim/libp2p/kad/query.hpp"

#include <algorithm>
#include <bit>

#include "vivim/base/assert.hpp"

namespace vivim::libp2p::kad {

namespace {

constexpr std::uint8_t k_all_paths = 0xff;

std::uint8_t bit(std::uint8_t path) {
  return static_cast<std::uint8_t>(1U << path);
}

}  // namespace

std::string_view to_string(QueryEnd end) {
  switch (end) {
    case QueryEnd::running:
      return "running";
    case QueryEnd::complete:
      return "complete";
    case QueryEnd::stopped:
      return "stopped";
    case QueryEnd::exhausted:
      return "exhausted";
  }
  return "other";
}

Query::Query(const Key& target, const PeerId& self, const std::vector<Contact>& seeds,
             QueryOptions options)
    : target_(target),
      self_(self),
      options_(options),
      paths_(std::clamp<std::size_t>(
          options.paths, 1, std::min(k_paths_max, std::max<std::size_t>(seeds.size(), 1)))) {
  std::uint8_t path = 0;
  for (const Contact& seed : seeds) {
    hear(seed, path, 0);
    path = static_cast<std::uint8_t>((path + 1) % paths_);
  }
}

const Query::Node* Query::find(const PeerId& peer) const {
  const auto found = by_peer_.find(peer);
  return found == by_peer_.end() ? nullptr : &nodes_[found->second];
}

Query::Node* Query::node_for(const PeerId& peer, unsigned hops) {
  if (const auto known = by_peer_.find(peer); known != by_peer_.end()) {
    return &nodes_[known->second];
  }
  const Distance distance = Key::of(peer).distance(target_);
  const std::size_t index = nodes_.size();
  nodes_.push_back({.peer = peer, .distance = distance, .hops = hops});
  by_peer_.emplace(peer, index);
  const auto at = std::ranges::lower_bound(
      order_, distance, {}, [this](std::size_t other) { return nodes_[other].distance; });
  order_.insert(at, index);
  return &nodes_.back();
}

/// Whether it can be asked somewhere where it was not.
bool Query::is_new(const Node& node, const Telling& telling) {
  return !node.was_asked || std::ranges::any_of(telling.addresses, [&](const Multiaddr& address) {
    return std::ranges::find(node.tried, address) == node.tried.end();
  });
}

void Query::hear(const Contact& contact, std::uint8_t path, unsigned hops) {
  if (contact.peer == self_) {
    return;
  }
  const Node* const known = find(contact.peer);
  const bool again = known != nullptr && (known->heard_by & bit(path)) != 0;
  if (!again && told_.at(path) >= std::max<std::size_t>(options_.candidates_max / paths_, 1)) {
    return;
  }
  Node& node = *node_for(contact.peer, hops);
  if (!again) {
    ++told_.at(path);
    node.heard_by |= bit(path);
    node.told.push_back({.path = path});
  }
  Telling& telling = *std::ranges::find(node.told, path, &Telling::path);
  if (!telling.addresses.empty()) {
    return;
  }
  telling.addresses = contact.addresses;
  telling.groups = groups_of(contact.addresses);
  if (node.state == State::failed && is_new(node, telling)) {
    node.state = State::heard;
  }
}

bool Query::is_slow(const Node& node, rt::TimePoint now) const {
  return node.state == State::waiting && now - node.asked >= options_.slow;
}

bool Query::has_room(const GroupCounts& counts, const std::vector<Group>& groups) const {
  return options_.per_group_max == 0 || counts.has_room(groups, options_.per_group_max);
}

const Query::Telling* Query::to_ask(const Node& node, PathSet paths,
                                    const GroupCounts& counts) const {
  const auto found = std::ranges::find_if(node.told, [&](const Telling& telling) {
    return (bit(telling.path) & paths) != 0 && is_new(node, telling) &&
           has_room(counts, telling.groups);
  });
  return found == node.told.end() ? nullptr : &*found;
}

template <class Visit>
void Query::each_nearest(PathSet paths, rt::TimePoint now, Visit visit) const {
  GroupCounts counts;
  for (const std::size_t index : order_) {
    const Node& node = nodes_[index];
    if ((node.heard_by & paths) == 0 || node.state == State::failed) {
      continue;
    }
    const bool may_ask = node.state == State::heard || is_slow(node, now);
    const Telling* const telling = may_ask ? to_ask(node, paths, counts) : nullptr;
    if (may_ask ? telling == nullptr : !has_room(counts, node.groups)) {
      continue;
    }
    for (const Group group : may_ask ? telling->groups : node.groups) {
      counts.add(group);
    }
    if (!visit(index, node, telling)) {
      return;
    }
  }
}

bool Query::path_ended(std::uint8_t path, rt::TimePoint now) const {
  std::size_t seen = 0;
  bool ended = true;
  each_nearest(bit(path), now, [&](std::size_t, const Node& node, const Telling*) {
    ended = node.state == State::answered;
    return ended && ++seen < options_.resiliency;
  });
  return ended;
}

bool Query::paths_ended(rt::TimePoint now) const {
  for (std::uint8_t path = 0; path < paths_; ++path) {
    if (!path_ended(path, now)) {
      return false;
    }
  }
  return true;
}

std::size_t Query::waiting(PathSet paths, rt::TimePoint now) const {
  return static_cast<std::size_t>(std::ranges::count_if(nodes_, [&](const Node& node) {
    return node.state == State::waiting && !is_slow(node, now) && (bit(node.path) & paths) != 0;
  }));
}

std::optional<Query::Candidate> Query::next_of(PathSet paths, rt::TimePoint now,
                                               const Distance& within) const {
  std::optional<Candidate> found;
  std::size_t seen = 0;
  each_nearest(paths, now, [&](std::size_t index, const Node& node, const Telling* telling) {
    if (within != Distance() && !(node.distance < within)) {
      return false;
    }
    if (telling != nullptr) {
      found = Candidate{.index = index, .path = telling->path};
    }
    return !found && ++seen < options_.replication;
  });
  return found;
}

/// Where a path says that it is, and where others do, but for where it was asked.
Contact Query::ask(const Candidate& candidate, rt::TimePoint now) {
  Node& node = nodes_[candidate.index];
  const auto own = std::ranges::find(node.told, candidate.path, &Telling::path);
  std::vector<std::span<const Multiaddr>> lists{own->addresses};
  for (const Telling& telling : node.told) {
    if (telling.path != candidate.path) {
      lists.emplace_back(telling.addresses);
    }
  }
  Contact contact{.peer = node.peer, .addresses = in_turn(lists, node.tried)};
  node.tried.insert(node.tried.end(), contact.addresses.begin(), contact.addresses.end());
  node.groups = own->groups;
  node.was_asked = true;
  node.state = State::waiting;
  node.asked = now;
  node.path = candidate.path;
  ++node.under_way;
  ++asked_;
  return contact;
}

std::optional<Contact> Query::next(rt::TimePoint now) {
  if (stopped_) {
    return std::nullopt;
  }
  if (paths_ended(now)) {
    const auto candidate =
        waiting(k_all_paths, now) < std::max(options_.replication, options_.concurrency)
            ? next_of(k_all_paths, now, {})
            : std::nullopt;
    return candidate ? std::optional(ask(*candidate, now)) : std::nullopt;
  }
  const std::size_t under_way = waiting(k_all_paths, now);
  if (options_.near != Distance() && under_way < options_.concurrency + options_.replication) {
    if (const auto candidate = next_of(k_all_paths, now, options_.near)) {
      return ask(*candidate, now);
    }
  }
  if (under_way >= options_.concurrency) {
    return std::nullopt;
  }
  const std::size_t share = (options_.concurrency + paths_ - 1) / paths_;
  for (std::size_t i = 0; i < paths_; ++i) {
    const auto path = static_cast<std::uint8_t>((turn_ + i) % paths_);
    if (path_ended(path, now) || waiting(bit(path), now) >= share) {
      continue;
    }
    if (const auto candidate = next_of(bit(path), now, {})) {
      turn_ = static_cast<std::uint8_t>((path + 1) % paths_);
      return ask(*candidate, now);
    }
  }
  return std::nullopt;
}

void Query::answered(const PeerId& peer, const std::vector<Contact>& closer,
                     const std::vector<Group>& groups) {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end() || nodes_[found->second].state != State::waiting) {
    return;
  }
  Node& node = nodes_[found->second];
  node.state = State::answered;
  node.groups = groups;
  ++answers_;
  const std::uint8_t path = node.path;
  const unsigned hops = node.hops + 1;
  for (std::size_t i = 0; i < std::min(closer.size(), options_.per_answer_max); ++i) {
    hear(closer[i], path, hops);
  }
}

bool Query::failed(const PeerId& peer) {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end() || nodes_[found->second].state != State::waiting) {
    return false;
  }
  Node& node = nodes_[found->second];
  if (--node.under_way > 0) {
    return false;
  }
  const bool more = std::ranges::any_of(
      node.told, [&node](const Telling& telling) { return is_new(node, telling); });
  node.state = more ? State::heard : State::failed;
  return !more;
}

void Query::put_back(const PeerId& peer) {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end() || nodes_[found->second].state != State::waiting) {
    return;
  }
  Node& node = nodes_[found->second];
  --asked_;
  if (--node.under_way == 0) {
    node.state = State::heard;
    node.was_asked = false;
    node.tried.clear();
  }
}

void Query::skip(const PeerId& peer) {
  put_back(peer);
  const auto found = by_peer_.find(peer);
  if (found != by_peer_.end() && nodes_[found->second].state == State::heard) {
    nodes_[found->second].state = State::failed;
    skipped_ = true;
  }
}

void Query::stop() {
  stopped_ = true;
}

QueryEnd Query::end(rt::TimePoint now) const {
  if (stopped_) {
    return QueryEnd::stopped;
  }
  if (!paths_ended(now)) {
    return QueryEnd::running;
  }
  std::size_t seen = 0;
  bool ended = true;
  each_nearest(k_all_paths, now, [&](std::size_t, const Node& node, const Telling*) {
    ended = node.state == State::answered;
    return ended && ++seen < options_.replication;
  });
  if (!ended) {
    return QueryEnd::running;
  }
  if (skipped_) {
    return QueryEnd::stopped;
  }
  return answers_ == 0 ? QueryEnd::exhausted : QueryEnd::complete;
}

std::optional<rt::TimePoint> Query::next_deadline(rt::TimePoint now) const {
  std::optional<rt::TimePoint> first;
  for (const Node& node : nodes_) {
    if (node.state == State::waiting && !is_slow(node, now)) {
      const rt::TimePoint at = node.asked + options_.slow;
      first = std::min(first.value_or(at), at);
    }
  }
  return first;
}

Contact Query::contact_of(const Node& node) {
  std::vector<std::span<const Multiaddr>> lists;
  for (const Telling& telling : node.told) {
    lists.emplace_back(telling.addresses);
  }
  return {.peer = node.peer, .addresses = in_turn(lists)};
}

std::vector<Contact> Query::closest() const {
  std::vector<Contact> result;
  GroupCounts counts;
  for (const std::size_t index : order_) {
    const Node& node = nodes_[index];
    if (result.size() >= options_.replication) {
      break;
    }
    if (node.state == State::answered && has_room(counts, node.groups)) {
      for (const Group group : node.groups) {
        counts.add(group);
      }
      result.push_back(contact_of(node));
    }
  }
  return result;
}

std::vector<Key> Query::closest_keys() const {
  std::vector<Key> keys;
  for (const std::size_t index : order_) {
    if (keys.size() < options_.replication && nodes_[index].state == State::answered) {
      keys.push_back(Key::of(nodes_[index].peer));
    }
  }
  return keys;
}

unsigned Query::hops() const {
  for (const std::size_t index : order_) {
    if (nodes_[index].state == State::answered) {
      return nodes_[index].hops;
    }
  }
  return 0;
}

unsigned Query::hops_of(const PeerId& peer) const {
  const Node* const node = find(peer);
  return node == nullptr ? 0 : node->hops;
}

std::uint8_t Query::path_of(const PeerId& peer) const {
  const Node* const node = find(peer);
  return node == nullptr ? 0 : node->path;
}

}  // namespace vivim::libp2p::kad
