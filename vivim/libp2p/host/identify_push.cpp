// What others should know has changed: told to those who are connected, a little later and once.
#include <algorithm>

#include "vivim/libp2p/host/negotiate.hpp"
#include "vivim/libp2p/host/peer_detail.hpp"
#include "vivim/multiformats/address_scope.hpp"

namespace vivim::libp2p {

/// Whether a listener takes what arrives at this end of a connection.
bool Host::is_listened_at(const Multiaddr& local) const {
  const auto waist = thin_waist(local);
  return waist && std::ranges::any_of(listeners_, [&](const auto& each) {
           const Multiaddr bound = each->listener->local();
           return ObservedAddresses::same_socket(bound, *waist) &&
                  (multiformats::is_unspecified(bound) || thin_waist(bound) == waist);
         });
}

void Host::observe_address(const Peer& peer) {
  if (!peer.info.observed_address || peer.limited) {
    return;
  }
  if (is_listened_at(peer.local)) {
    observed_.observe(peer.local, *peer.info.observed_address, peer.remote, loop_.clock().now());
  }
  if (observed_.update(loop_.clock().now())) {
    listeners_changed();
  }
}

std::vector<Multiaddr> Host::observed_addresses(std::size_t observers) const {
  std::vector<Multiaddr> all;
  for (const auto& listening : listeners_) {
    for (const Multiaddr& bound : listening->listener->addresses()) {
      for (auto& seen : observed_.seen_by(observers, bound, loop_.clock().now())) {
        if (std::ranges::find(all, seen) == all.end()) {
          all.push_back(std::move(seen));
        }
      }
    }
  }
  return all;
}

void Host::listeners_changed() {
  if (stopping_) {
    return;
  }
  note_change();
  auto addresses = listen_addresses();
  if (std::exchange(last_addresses_, addresses) != addresses) {
    emit({.kind = HostEvent::Kind::addresses_changed});
  }
}

void Host::note_change() {
  described_.set();
}

rt::Co<void> Host::push_loop() {
  while (!background_.stopping()) {
    co_await described_.wait();
    if (background_.stopping()) {
      break;
    }
    push_timer_->expire_at(loop_.clock().now() + times_.push_delay);
    if (!co_await push_timer_->wait()) {
      continue;
    }
    described_.reset();
    push_to_all();
  }
}

/// Of what identify tells, as far as it changes.
std::uint64_t Host::description_digest() const {
  constexpr std::uint64_t k_prime = 1099511628211ULL;
  std::uint64_t digest = 14695981039346656037ULL;
  for (const Multiaddr& address : listen_addresses()) {
    digest = (digest ^ std::hash<std::string>{}(address.to_string())) * k_prime;
  }
  for (const std::string& protocol : *protocols_) {
    digest = (digest ^ std::hash<std::string>{}(protocol)) * k_prime;
  }
  return digest;
}

void Host::push_to_all() {
  const std::uint64_t now = description_digest();
  for (const auto& [id, peer] : peers_) {
    if (peer->told != now &&
        std::ranges::count(peer->info.protocols, identify::k_push_protocol_id) > 0) {
      peer->told = now;
      peer->tasks.spawn("identify push", push_to(*peer));
    }
  }
}

rt::Co<void> Host::push_to(Peer& peer) {
  const auto message = identify::encode(describe_self(peer.remote));
  auto reservation = resources_->open_stream(Direction::outbound, peer.id);
  auto opened = peer.connection->open_stream();
  if (!message || !reservation || !opened) {
    co_return;
  }
  rt::Stream* const raw = opened->get();
  const auto guard = watchdog_.arm(times_.identify_max, [raw] { raw->reset(0); });
  auto stream = co_await propose_optimistically(std::move(*opened),
                                                std::string(identify::k_push_protocol_id));
  if (stream && co_await (*stream)->write(*message)) {
    (void)co_await (*stream)->close_write();
    Bytes buffer(1);
    (void)co_await (*stream)->read_some(buffer);  // until the peer has taken it
  }
}

}  // namespace vivim::libp2p
