// Connections that the host makes.
#include <algorithm>

#include "vivim/libp2p/host/peer_detail.hpp"

namespace vivim::libp2p {

rt::Co<Result<PeerId>> Host::connect(Multiaddr address) {
  const auto peer = address.peer();
  if (!peer) {
    co_return fail(HostError::no_peer_in_address);
  }
  std::vector<Multiaddr> addresses{std::move(address)};
  co_return co_await connect(*peer, std::move(addresses), {.ignore_backoff = true});
}

bool Host::satisfied(const PeerId& peer, const std::vector<Multiaddr>& addresses) const {
  return connected(peer) || (best_connection(peer, {.allow_limited = true}) != nullptr &&
                             !addresses.empty() && std::ranges::all_of(addresses, is_relayed));
}

rt::Co<Result<PeerId>> Host::connect(PeerId peer, std::vector<Multiaddr> addresses,
                                     ConnectOptions options) {
  const Call call(*this);
  if (peer == peer_id()) {
    co_return fail(HostError::self_dial);
  }
  if (!options.force_new && satisfied(peer, addresses)) {
    co_return peer;
  }
  if (stopping_) {
    co_return fail(HostError::stopping);
  }
  VIVIM_CO_TRY(const auto dialing, begin_dial(peer, std::move(addresses), options));
  co_await dialing->finished.wait();
  co_return *dialing->result;
}

Result<std::shared_ptr<Host::Dialing>> Host::begin_dial(PeerId peer,
                                                        std::vector<Multiaddr> addresses,
                                                        ConnectOptions options) {
  if (!gater_->allow_dial(peer)) {
    return fail(HostError::gated);
  }
  if (addresses.empty()) {
    for (auto& known : store_.addresses(peer, wall_now())) {
      addresses.push_back(std::move(known.address));
    }
  }
  VIVIM_TRY(auto chosen, choose_addresses(peer, std::move(addresses), options));
  const auto same = std::ranges::find_if(dialings_, [&](const auto& entry) {
    return entry.second->peer == peer && !options.force_new && !entry.second->options.force_new &&
           !entry.second->result;
  });
  if (same != dialings_.end()) {
    add_addresses(same->second, std::move(chosen), options.names_reach);
    same->second->changed.set();
    return same->second;
  }
  VIVIM_TRY(auto reservation,
            resources_->open_connection(Direction::outbound, 0, k_connection_bytes));
  auto dialing = std::make_shared<Dialing>(loop_, next_id_++, peer, options);
  dialing->reservation = std::move(reservation);
  dialings_.emplace(dialing->id, dialing);
  add_addresses(dialing, std::move(chosen), options.names_reach);
  tasks_.spawn("dial", run_dial(dialing));
  return dialing;
}

Result<std::vector<Multiaddr>> Host::choose_addresses(const PeerId& peer,
                                                      std::vector<Multiaddr> addresses,
                                                      const ConnectOptions& options) const {
  std::vector<Multiaddr> chosen;
  std::optional<rt::TimePoint> earliest;
  const rt::TimePoint now = loop_.clock().now();
  for (const Multiaddr& address : addresses) {
    if (const auto named = address.peer(); named && *named != peer) {
      continue;
    }
    Multiaddr place = address.without_peer();
    const auto until = backoff_.blocked_until(peer, place, now);
    if (until && !options.ignore_backoff) {
      earliest = std::min(earliest.value_or(*until), *until);
    } else {
      chosen.push_back(std::move(place));
    }
  }
  if (chosen.empty() && earliest) {
    const auto wait = std::chrono::ceil<std::chrono::seconds>(*earliest - now).count();
    return fail(HostError::backing_off, static_cast<std::uint64_t>(wait));
  }
  return chosen;
}

// What can be dialled as it is does not wait for names.
void Host::add_addresses(const std::shared_ptr<Dialing>& dialing, std::vector<Multiaddr> addresses,
                         AddressScope names_reach) {
  std::vector<Multiaddr> ready;
  for (Multiaddr& address : addresses) {
    dialing->has_relay = dialing->has_relay || is_relayed(address);
    if (resolver_ == nullptr || transport_for(address) != nullptr ||
        !resolver_->can_resolve(address)) {
      ready.push_back(std::move(address));
    } else if (dialing->resolving < k_dial_addresses_max) {
      ++dialing->resolving;
      tasks_.spawn("name of a dial", resolve(dialing, std::move(address), names_reach));
    }
  }
  dialing->plan.add(rank_addresses(std::move(ready), dial_delays_));
}

rt::Co<void> Host::run_dial(std::shared_ptr<Dialing> dialing) {
  DialPlan& plan = dialing->plan;
  while (!dialing->result) {
    while (auto address = plan.next(loop_.clock().now())) {
      tasks_.spawn("dial attempt", run_made(attempt(dialing, std::move(*address))));
    }
    if (plan.exhausted() && dialing->resolving == 0) {
      // That we had no room says nothing of the peer.
      if (plan.error() && !limits::is_limit_error(*plan.error())) {
        backoff_.peer_failed(dialing->peer, loop_.clock().now());
      }
      dialing->finish(fail(plan.error().value_or(HostError::no_addresses)));
      break;
    }
    dialing->changed.reset();
    std::optional<Watchdog::Guard> guard;
    if (const auto start = plan.next_start()) {
      guard.emplace(watchdog_, *start, [raw = dialing.get()] { raw->changed.set(); });
    }
    co_await dialing->changed.wait();
  }
  dialings_.erase(dialing->id);
}

rt::Co<void> Host::resolve(std::shared_ptr<Dialing> dialing, Multiaddr address,
                           AddressScope reach) {
  const auto answers = co_await resolver_->resolve(std::move(address), times_.dial_max);
  --dialing->resolving;
  if (answers) {
    std::vector<Multiaddr> resolved;
    for (const Multiaddr& answer : *answers) {
      const auto named = answer.peer();
      if ((!named || *named == dialing->peer) && scope_of(answer) >= reach) {
        resolved.push_back(answer.without_peer());
      }
    }
    dialing->plan.add(rank_addresses(std::move(resolved), dial_delays_));
  } else {
    dialing->plan.remember(answers.error());
  }
  dialing->changed.set();
}

rt::Co<std::optional<Host::ConnectionId>> Host::attempt(std::shared_ptr<Dialing> dialing,
                                                        Multiaddr address) {
  auto established = co_await dial(*dialing, address);
  if (dialing->result) {
    co_return std::nullopt;  // another was faster, or the host stops
  }
  if (established && !dialing->reservation) {  // an attempt that had it was turned away
    auto again = resources_->open_connection(Direction::outbound, 0, k_connection_bytes);
    if (again) {
      dialing->reservation = std::move(*again);
    } else {
      established = fail(again.error());
    }
  }
  const rt::TimePoint now = loop_.clock().now();
  Result<ConnectionId> id = fail(HostError::stopping);
  if (established) {
    established->reservation = std::move(dialing->reservation);
    id = add_peer(std::move(*established));
  } else {
    id = fail(established.error());
    if (!established.error().is(HostError::unsupported_address) &&
        !established.error().is(HostError::gated) && !limits::is_limit_error(established.error())) {
      backoff_.address_failed(dialing->peer, address, now);
    }
  }
  count_dial(id ? std::nullopt : std::optional(id.error()));
  if (!id) {
    dialing->plan.failed(id.error(), now);
    dialing->changed.set();
    co_return std::nullopt;
  }
  backoff_.succeeded(dialing->peer, address);
  if (!is_relayed(address)) {
    store_.add_address(dialing->peer, address, peerstore::Source::dialled,
                       peerstore::k_ttl_connected, wall_now());
  }
  dialing->finish(dialing->peer);
  co_return *id;
}

Transport* Host::transport_for(const Multiaddr& address) const {
  const auto found = std::ranges::find_if(
      transports_, [&](const auto& transport) { return transport->can_dial(address); });
  return found == transports_.end() ? nullptr : found->get();
}

/// Whether the handshake on a connection may have failed because the peer's own dial met ours, so
/// that both took themselves for the client.
static bool may_have_met(const Error& error) {
  return !error.is(HostError::stopping) && !error.is(HostError::gated) &&
         !error.is(HostError::handshake_timeout) && !error.is(HostError::wrong_peer) &&
         !limits::is_limit_error(error);
}

rt::Co<Result<Host::Established>> Host::dial(Dialing& dialing, Multiaddr address) {
  Transport* const transport = transport_for(address);
  if (transport == nullptr) {
    co_return fail(HostError::unsupported_address);
  }
  if (!gater_->allow_address(dialing.peer, address)) {
    co_return fail(HostError::gated);
  }
  const PortUse port = dialing.options.port;
  Attempt how{.reuse_port =
                  port == PortUse::shared || (port == PortUse::automatic && !dialing.has_relay &&
                                              scope_of(address) == AddressScope::global)};
  auto established = co_await dial_once(*transport, address, dialing, how);
  if (!established && how.shook_hands_from_port && port == PortUse::automatic &&
      may_have_met(established.error())) {
    how.reuse_port = false;
    established = co_await dial_once(*transport, address, dialing, how);
  }
  if (!established && established.error().is(HostError::no_common_security) &&
      securities_.size() > 1) {
    // The peer took our first message for another proposal: ask again, and wait for its answers.
    how.proposal = Proposal::one_by_one;
    established = co_await dial_once(*transport, address, dialing, how);
  }
  if (established) {
    established->direction = Direction::outbound;
    established->transport = transport->name();
    established->remote = std::move(address);
  }
  co_return established;
}

rt::Co<Result<Host::Established>> Host::dial_once(Transport& transport, Multiaddr address,
                                                  Dialing& dialing, Attempt& how) {
  VIVIM_CO_TRY(auto descriptor, resources_->reserve(Direction::outbound, {.file_descriptors = 1}));
  const Multiaddr remote = address;
  const ConnectOptions& options = dialing.options;
  const Direction role = options.role.value_or(Direction::outbound);
  auto connection = co_await transport.dial(std::move(address),
                                            {.timeout = options.dial_max.value_or(times_.dial_max),
                                             .expected_peer = dialing.peer,
                                             .role = role,
                                             .reuse_port = how.reuse_port});
  if (stopping_ || dialing.result) {
    co_return fail(HostError::stopping);
  }
  if (!connection) {
    co_return fail(connection.error());
  }
  if (options.on_answer) {
    options.on_answer();
  }
  UpgradeOptions upgrade{.direction = role,
                         .expected_peer = dialing.peer,
                         .proposal = how.proposal,
                         .allow = [this, remote](const PeerId& peer) {
                           return allows(Direction::outbound, peer, remote);
                         }};
  const std::size_t first_security = how.proposal == Proposal::one_by_one ? 1 : 0;
  if (options.patience > rt::Duration::zero() || (!options.role && options.may_meet)) {
    upgrade.undecided.emplace(
        Undecided{.loop = loop_, .number = rng_.u64(), .patience = options.patience});
  }
  const auto* const raw = std::get_if<RawConnection>(&*connection);
  const bool has_socket = raw != nullptr;
  how.shook_hands_from_port = has_socket && is_listened_at(raw->local);
  auto established = co_await establish(std::move(*connection), std::move(upgrade), first_security);
  if (established && has_socket) {
    established->descriptor = std::move(descriptor);
  }
  co_return established;
}

}  // namespace vivim::libp2p
