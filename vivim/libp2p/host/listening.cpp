// Where a host can be reached.
#include <algorithm>

#include "vivim/libp2p/host/addresses.hpp"
#include "vivim/libp2p/host/peer_detail.hpp"

namespace vivim::libp2p {

namespace {

/// Appends `address` with our id, unless it is there.
void add_address(std::vector<Multiaddr>& to, const Multiaddr& address, const PeerId& self) {
  if (auto full = address.with_peer(self); full && std::ranges::find(to, *full) == to.end()) {
    to.push_back(std::move(*full));
  }
}

}  // namespace

Result<Multiaddr> Host::listen(const Multiaddr& address) {
  if (stopping_) {
    return fail(HostError::stopping);
  }
  const auto found = std::ranges::find_if(
      transports_, [&](const auto& transport) { return transport->can_listen(address); });
  if (found == transports_.end()) {
    return fail(HostError::unsupported_address);
  }
  VIVIM_TRY(auto listener, (*found)->listen(address));
  Multiaddr bound = listener->local();
  listeners_.push_back(std::make_unique<Listening>(
      Listening{.transport = found->get(), .listener = std::move(listener)}));
  tasks_.spawn("host listener", accept_loop(*listeners_.back()));
  note_change();
  return bound;
}

bool Host::stop_listening(const Multiaddr& bound) {
  const auto found = std::ranges::find_if(listeners_, [&](const auto& listening) {
    return !listening->closing && listening->listener->local() == bound;
  });
  if (found == listeners_.end()) {
    return false;
  }
  (*found)->closing = true;
  (*found)->listener->close();
  listeners_changed();
  return true;
}

/// Its accept() has ended: nobody uses it any more.
void Host::listener_ended(const Listening& listening) {
  if (!stopping_) {
    std::erase_if(listeners_, [&](const auto& each) { return each.get() == &listening; });
    listeners_changed();
  }
}

std::vector<Multiaddr> Host::bound_addresses() const {
  std::vector<Multiaddr> addresses;
  for (const auto& listening : listeners_) {
    if (listening->closing) {
      continue;
    }
    for (const Multiaddr& bound : listening->listener->addresses()) {
      for (const Multiaddr& address : expand_unspecified(bound, network_)) {
        add_address(addresses, address, peer_id_);
      }
    }
  }
  return addresses;
}

void Host::announce(std::vector<Multiaddr> addresses) {
  announced_ = std::move(addresses);
  listeners_changed();
}

std::vector<Multiaddr> Host::listen_addresses() const {
  auto addresses = bound_addresses();
  for (const Multiaddr& address : announced_) {
    add_address(addresses, address, peer_id_);
  }
  for (const auto& listening : listeners_) {
    if (listening->closing) {
      continue;
    }
    for (const Multiaddr& bound : listening->listener->addresses()) {
      for (const Multiaddr& address : observed_.external(bound, loop_.clock().now())) {
        add_address(addresses, address, peer_id_);
      }
    }
  }
  return addresses;
}

}  // namespace vivim::libp2p
