#include "vivim/libp2p/bootstrap/plan.hpp"

#include <algorithm>
#include <utility>

#include "vivim/base/assert.hpp"

namespace vivim::libp2p::bootstrap {

Result<void> Plan::add(const Multiaddr& address) {
  const auto peer = address.peer();
  if (!peer) {
    return fail(BootstrapError::no_peer);
  }
  const auto known = peers_.find(*peer);
  if (known == peers_.end() && peers_.size() >= k_peers_max) {
    return fail(BootstrapError::too_many_peers, k_peers_max);
  }
  auto& addresses = peers_[*peer].addresses;
  if (std::ranges::find(addresses, address) != addresses.end()) {
    return {};
  }
  if (addresses.size() >= k_addresses_max) {
    return fail(BootstrapError::too_many_addresses, k_addresses_max);
  }
  addresses.push_back(address);
  return {};
}

std::uint64_t Plan::random() {
  config_.seed = config_.seed * 6364136223846793005u + 1442695040888963407u;
  return config_.seed >> 33;
}

std::optional<Plan::Target> Plan::next(rt::TimePoint now, std::size_t connections,
                                       const std::function<bool(const PeerId&)>& is_connected) {
  if (connections + dialling_ >= config_.connections_min || dialling_ >= config_.dials_max) {
    return std::nullopt;
  }
  std::vector<std::pair<const PeerId, Known>*> due;
  for (auto& entry : peers_) {
    if (!entry.second.dialling && entry.second.due <= now && !is_connected(entry.first)) {
      due.push_back(&entry);
    }
  }
  if (due.empty()) {
    return std::nullopt;
  }
  auto& [peer, known] = *due[random() % due.size()];
  known.dialling = true;
  ++dialling_;
  return Target{.peer = peer, .addresses = known.addresses};
}

void Plan::succeeded(const PeerId& peer, rt::TimePoint now) {
  Known& known = peers_.at(peer);
  VIVIM_ASSERT(known.dialling);
  known.dialling = false;
  --dialling_;
  known.connected = now;
  known.due = now + std::max(known.retry, config_.retry_min);
}

void Plan::failed(const PeerId& peer, rt::TimePoint now) {
  Known& known = peers_.at(peer);
  VIVIM_ASSERT(known.dialling);
  known.dialling = false;
  --dialling_;
  put_off(known, now);
}

void Plan::disconnected(const PeerId& peer, rt::TimePoint now) {
  const auto found = peers_.find(peer);
  if (found == peers_.end() || !found->second.connected) {
    return;
  }
  Known& known = found->second;
  if (now - *std::exchange(known.connected, std::nullopt) < config_.lasting_min) {
    put_off(known, now);
  } else {
    known.retry = {};
  }
}

void Plan::put_off(Known& known, rt::TimePoint now) {
  known.retry = std::clamp(known.retry * 2, config_.retry_min, config_.retry_max);
  const auto half =
      static_cast<std::uint64_t>(std::max<rt::Duration::rep>(known.retry.count() / 2, 1));
  known.due = now + known.retry - rt::Duration(static_cast<rt::Duration::rep>(random() % half));
}

std::optional<rt::TimePoint> Plan::next_deadline(rt::TimePoint now) const {
  std::optional<rt::TimePoint> next;
  for (const auto& [peer, known] : peers_) {
    if (!known.dialling && known.due > now) {
      next = std::min(known.due, next.value_or(known.due));
    }
  }
  return next;
}

}  // namespace vivim::libp2p::bootstrap
