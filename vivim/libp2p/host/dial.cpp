// Connections that the host makes.
#include <algorithm>

#include "vivim/libp2p/host/peer_detail.hpp"

namespace vivim::libp2p {

namespace {

bool is_relayed(const Multiaddr& address) {
  return address.has(multiformats::Protocol::p2p_circuit);
}

}  // namespace

rt::Co<Result<PeerId>> Host::connect(Multiaddr address) {
  const auto peer = address.peer();
  if (!peer) {
    co_return fail(HostError::no_peer_in_address);
  }
  std::vector<Multiaddr> addresses{std::move(address)};
  co_return co_await connect(*peer, std::move(addresses));
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
  if (count(Direction::outbound) + dials_ >= limits_.outbound_connections_max) {
    co_return fail(HostError::too_many_connections, limits_.outbound_connections_max);
  }
  ++dials_;
  auto result = co_await dial_any(peer, std::move(addresses), options);
  --dials_;
  co_return result;
}

rt::Co<Result<PeerId>> Host::dial_any(PeerId peer, std::vector<Multiaddr> addresses,
                                      ConnectOptions options) {
  Result<PeerId> last = fail(HostError::no_addresses);
  for (const Multiaddr& address : addresses) {
    last = co_await dial(peer, address, options);
    if (last || stopping_) {
      break;
    }
  }
  co_return last;
}

rt::Co<Result<PeerId>> Host::dial(PeerId peer, Multiaddr address, ConnectOptions options) {
  const auto found = std::ranges::find_if(
      transports_, [&](const auto& transport) { return transport->can_dial(address); });
  if (found == transports_.end()) {
    co_return fail(HostError::unsupported_address);
  }
  Transport& transport = **found;
  VIVIM_CO_TRY(auto established, co_await dial_with(transport, peer, address, options));
  established.direction = Direction::outbound;
  established.transport = transport.name();
  established.remote = address.without_peer();
  VIVIM_CO_TRY(const auto id, add_peer(std::move(established)));
  tasks_.spawn("outbound connection", run_peer(id));
  co_return peer;
}

rt::Co<Result<Host::Established>> Host::dial_with(Transport& transport, PeerId peer,
                                                  Multiaddr address, ConnectOptions options) {
  UpgradeOptions upgrade{.direction = options.role, .expected_peer = peer};
  auto established = co_await dial_once(transport, address, options, upgrade, 0);
  if (!established && established.error().is(HostError::no_common_security) &&
      securities_.size() > 1) {
    // The peer took our first message for another proposal: ask again, and wait for its answers.
    upgrade.proposal = Proposal::one_by_one;
    established = co_await dial_once(transport, std::move(address), options, upgrade, 1);
  }
  co_return established;
}

rt::Co<Result<Host::Established>> Host::dial_once(Transport& transport, Multiaddr address,
                                                  ConnectOptions options, UpgradeOptions upgrade,
                                                  std::size_t first_security) {
  auto connection =
      co_await transport.dial(std::move(address), {.timeout = times_.dial_max,
                                                   .expected_peer = upgrade.expected_peer,
                                                   .role = options.role,
                                                   .reuse_port = options.reuse_port});
  if (stopping_) {
    co_return fail(HostError::stopping);
  }
  if (!connection) {
    co_return fail(connection.error());
  }
  co_return co_await establish(std::move(*connection), std::move(upgrade), first_security);
}

}  // namespace vivim::libp2p
