#include "vivim/libp2p/portmap/leases.hpp"

#include <algorithm>

namespace vivim::libp2p::portmap {

Result<void> Leases::want(const Port& port, rt::TimePoint now) {
  if (leases_.contains(port)) {
    return {};
  }
  if (leases_.size() >= k_ports_max) {
    return fail(PortmapError::too_many_ports, k_ports_max);
  }
  leases_[port].due = now;
  return {};
}

std::optional<Grant> Leases::drop(const Port& port) {
  const auto found = leases_.find(port);
  if (found == leases_.end()) {
    return std::nullopt;
  }
  const auto grant = found->second.grant;
  leases_.erase(found);
  return grant;
}

std::optional<Port> Leases::next(rt::TimePoint now) {
  for (auto& [port, lease] : leases_) {
    if (!lease.mapping && lease.due <= now) {
      lease.mapping = true;
      return port;
    }
  }
  return std::nullopt;
}

bool Leases::granted(const Port& port, const Grant& grant, rt::TimePoint now) {
  const auto found = leases_.find(port);
  if (found == leases_.end()) {
    return false;  // dropped meanwhile
  }
  Lease& lease = found->second;
  const rt::Duration lifetime =
      grant.lifetime.count() == 0 ? times_.refresh_max * 2 : rt::Duration(grant.lifetime);
  const bool changed = !lease.grant || lease.grant->external_ip != grant.external_ip ||
                       lease.grant->external_port != grant.external_port;
  lease.grant = grant;
  lease.ends = now + lifetime;
  lease.due = now + std::clamp(lifetime / 2, times_.refresh_min, times_.refresh_max);
  lease.retry = {};
  lease.mapping = false;
  return changed;
}

bool Leases::failed(const Port& port, rt::TimePoint now) {
  const auto found = leases_.find(port);
  if (found == leases_.end()) {
    return false;
  }
  Lease& lease = found->second;
  lease.mapping = false;
  lease.retry = std::clamp(lease.retry * 2, times_.retry_min, times_.retry_max);
  lease.due = now + lease.retry;
  const bool lost = lease.grant && lease.ends <= now;
  if (lost) {
    lease.grant.reset();
  }
  return lost;
}

std::optional<rt::TimePoint> Leases::next_deadline() const {
  std::optional<rt::TimePoint> next;
  for (const auto& [port, lease] : leases_) {
    if (!lease.mapping) {
      next = std::min(lease.due, next.value_or(lease.due));
    }
  }
  return next;
}

std::vector<Leases::Mapping> Leases::mappings() const {
  std::vector<Mapping> mappings;
  for (const auto& [port, lease] : leases_) {
    if (lease.grant) {
      mappings.push_back({.port = port, .grant = *lease.grant});
    }
  }
  return mappings;
}

}  // namespace vivim::libp2p::portmap
