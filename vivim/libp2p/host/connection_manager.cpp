#include "vivim/libp2p/host/connection_manager.hpp"

#include <algorithm>
#include <limits>

namespace vivim::libp2p {

using multiformats::PeerId;

bool ConnectionManager::tag(const PeerId& peer, const std::string& name, int value) {
  auto& tags = standing(peer).tags;
  if (!tags.contains(name) && tags.size() >= k_peer_tags_max) {
    return false;
  }
  tags[name] = value;
  return true;
}

void ConnectionManager::untag(const PeerId& peer, const std::string& name) {
  if (const auto found = standings_.find(peer); found != standings_.end()) {
    found->second.tags.erase(name);
    drop_if_empty(peer);
  }
}

std::int64_t ConnectionManager::value(const PeerId& peer) const {
  const auto found = standings_.find(peer);
  std::int64_t sum = 0;
  if (found != standings_.end()) {
    for (const auto& [name, value] : found->second.tags) {
      sum += value;
    }
  }
  return sum;
}

bool ConnectionManager::protect(const PeerId& peer, const std::string& reason) {
  auto& protections = standing(peer).protections;
  if (!protections.contains(reason) && protections.size() >= k_peer_tags_max) {
    return false;
  }
  protections.insert(reason);
  return true;
}

void ConnectionManager::unprotect(const PeerId& peer, const std::string& reason) {
  if (const auto found = standings_.find(peer); found != standings_.end()) {
    found->second.protections.erase(reason);
    drop_if_empty(peer);
  }
}

bool ConnectionManager::is_protected(const PeerId& peer) const {
  const auto found = standings_.find(peer);
  return found != standings_.end() && !found->second.protections.empty();
}

void ConnectionManager::connected(ConnectionId id, const PeerId& peer, Direction direction,
                                  rt::TimePoint now) {
  connections_.emplace(id, Connection{.peer = peer, .direction = direction, .since = now});
}

void ConnectionManager::disconnected(ConnectionId id) {
  connections_.erase(id);
}

std::vector<ConnectionManager::Candidate> ConnectionManager::candidates(rt::TimePoint now) const {
  std::vector<Candidate> found;
  if (!above_high_water()) {
    return found;
  }
  for (const auto& [id, connection] : connections_) {
    if (now - connection.since >= options_.grace && !is_protected(connection.peer)) {
      found.push_back({.value = value(connection.peer),
                       .busy = false,
                       .outbound = connection.direction == Direction::outbound,
                       .since = connection.since,
                       .id = id});
    }
  }
  return found;
}

std::vector<ConnectionManager::ConnectionId> ConnectionManager::choose(
    std::vector<Candidate> found) const {
  std::ranges::sort(found);
  std::vector<ConnectionId> chosen;
  for (const Candidate& each : found) {
    if (connections_.size() - chosen.size() <= options_.low_water) {
      break;
    }
    chosen.push_back(each.id);
  }
  return chosen;
}

ConnectionManager::Standing& ConnectionManager::standing(const PeerId& peer) {
  if (!standings_.contains(peer) && standings_.size() >= k_tagged_peers_max) {
    make_room();
  }
  return standings_[peer];
}

void ConnectionManager::drop_if_empty(const PeerId& peer) {
  const auto found = standings_.find(peer);
  if (found->second.tags.empty() && found->second.protections.empty()) {
    standings_.erase(found);
  }
}

void ConnectionManager::make_room() {
  const auto worth = [this](const auto& entry) {
    return entry.second.protections.empty() ? value(entry.first)
                                            : std::numeric_limits<std::int64_t>::max();
  };
  standings_.erase(std::ranges::min_element(standings_, {}, worth));
}

}  // namespace vivim::libp2p
