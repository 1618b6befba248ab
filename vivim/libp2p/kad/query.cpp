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

void Query::hear(const Contact& contact, std::uint8_t path, unsigned hops) {
  if (contact.peer == self_) {
    return;
  }
  if (const auto known = by_peer_.find(contact.peer); known != by_peer_.end()) {
    Node& node = nodes_[known->second];
    node.heard_by |= bit(path);
    if (node.contact.addresses.empty() && node.state == State::heard) {
      node.contact.addresses = contact.addresses;
      node.groups = groups_of(contact.addresses);
    }
    return;
  }
  if (nodes_.size() >= options_.candidates_max) {
    return;
  }
  const Distance distance = Key::of(contact.peer).distance(target_);
  const std::size_t index = nodes_.size();
  nodes_.push_back({.contact = contact,
                    .distance = distance,
                    .groups = groups_of(contact.addresses),
                    .hops = hops,
                    .heard_by = bit(path)});
  by_peer_.emplace(contact.peer, index);
  const auto at = std::ranges::lower_bound(
      order_, distance, {}, [this](std::size_t other) { return nodes_[other].distance; });
  order_.insert(at, index);
}

bool Query::is_slow(const Node& node, rt::TimePoint now) const {
  return node.state == State::waiting && now - node.asked >= options_.slow;
}

template <class Visit>
void Query::each_nearest(PathSet paths, rt::TimePoint now, Visit visit) const {
  GroupCounts groups;
  for (const std::size_t index : order_) {
    const Node& node = nodes_[index];
    if ((node.heard_by & paths) == 0 || node.state == State::failed || is_slow(node, now)) {
      continue;
    }
    if (options_.per_group_max > 0) {
      if (!groups.has_room(node.groups, options_.per_group_max)) {
        continue;
      }
      for (const Group group : node.groups) {
        groups.add(group);
      }
    }
    if (!visit(index, node)) {
      return;
    }
  }
}

bool Query::path_ended(std::uint8_t path, rt::TimePoint now) const {
  std::size_t seen = 0;
  bool ended = true;
  each_nearest(bit(path), now, [&](std::size_t, const Node& node) {
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

std::optional<std::size_t> Query::next_of_path(std::uint8_t path, rt::TimePoint now) const {
  std::optional<std::size_t> found;
  std::size_t seen = 0;
  each_nearest(bit(path), now, [&](std::size_t index, const Node& node) {
    if (node.state == State::heard) {
      found = index;
    }
    return !found && ++seen < options_.replication;
  });
  return found;
}

std::optional<std::size_t> Query::next_of_nearest(rt::TimePoint now) const {
  std::optional<std::size_t> found;
  std::size_t seen = 0;
  each_nearest(k_all_paths, now, [&](std::size_t index, const Node& node) {
    if (node.state == State::heard) {
      found = index;
    }
    return !found && ++seen < options_.replication;
  });
  return found;
}

std::optional<std::size_t> Query::next_of_near(rt::TimePoint now) const {
  std::optional<std::size_t> found;
  std::size_t seen = 0;
  each_nearest(k_all_paths, now, [&](std::size_t index, const Node& node) {
    if (node.distance < options_.near && node.state == State::heard) {
      found = index;
    }
    return !found && node.distance < options_.near && ++seen < options_.replication;
  });
  return found;
}

Contact Query::ask(std::size_t index, std::uint8_t path, rt::TimePoint now) {
  Node& node = nodes_[index];
  node.state = State::waiting;
  node.asked = now;
  node.path = path;
  ++asked_;
  return node.contact;
}

std::optional<Contact> Query::next(rt::TimePoint now) {
  if (stopped_) {
    return std::nullopt;
  }
  if (paths_ended(now)) {
    const auto index =
        waiting(k_all_paths, now) < std::max(options_.replication, options_.concurrency)
            ? next_of_nearest(now)
            : std::nullopt;
    return index ? std::optional(ask(*index, nodes_[*index].path, now)) : std::nullopt;
  }
  const std::size_t under_way = waiting(k_all_paths, now);
  if (under_way < options_.concurrency + options_.replication) {
    if (const auto index = next_of_near(now)) {
      const auto path = std::countr_zero(nodes_[*index].heard_by);  // the first that heard of it
      return ask(*index, static_cast<std::uint8_t>(path), now);
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
    if (const auto index = next_of_path(path, now)) {
      turn_ = static_cast<std::uint8_t>((path + 1) % paths_);
      return ask(*index, path, now);
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

void Query::failed(const PeerId& peer) {
  const auto found = by_peer_.find(peer);
  if (found != by_peer_.end() && nodes_[found->second].state == State::waiting) {
    nodes_[found->second].state = State::failed;
    ++failures_;
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
  each_nearest(k_all_paths, now, [&](std::size_t, const Node& node) {
    ended = node.state == State::answered;
    return ended && ++seen < options_.replication;
  });
  if (!ended) {
    return QueryEnd::running;
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

std::vector<Contact> Query::closest() const {
  std::vector<Contact> result;
  GroupCounts groups;
  for (const std::size_t index : order_) {
    const Node& node = nodes_[index];
    if (result.size() >= options_.replication) {
      break;
    }
    const bool fits =
        options_.per_group_max == 0 || groups.has_room(node.groups, options_.per_group_max);
    if (node.state == State::answered && fits) {
      for (const Group group : node.groups) {
        groups.add(group);
      }
      result.push_back(node.contact);
    }
  }
  return result;
}

std::vector<Key> Query::closest_keys() const {
  std::vector<Key> keys;
  for (const std::size_t index : order_) {
    if (keys.size() < options_.replication && nodes_[index].state == State::answered) {
      keys.push_back(Key::of(nodes_[index].contact.peer));
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
  const auto found = by_peer_.find(peer);
  return found == by_peer_.end() ? 0 : nodes_[found->second].hops;
}

}  // namespace vivim::libp2p::kad
