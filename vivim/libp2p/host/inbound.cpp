// Connections that peers make, until they are among the host's.
#include "vivim/base/log.hpp"
#include "vivim/libp2p/host/peer_detail.hpp"

namespace vivim::libp2p {

namespace {

const Multiaddr& remote_of(const TransportConnection& connection) {
  return std::visit([](const auto& each) -> const Multiaddr& { return each.remote; }, connection);
}

}  // namespace

bool Host::allows(Direction direction, const PeerId& peer, const Multiaddr& remote) const {
  return gater_->allow_secured(direction, peer, remote);
}

/// For a transport whose handshake comes before accept().
bool Host::admits(const Multiaddr& remote) {
  if (!gater_->allow_accept(remote)) {
    refuse(remote, std::nullopt, HostError::gated);
    return false;
  }
  return true;
}

rt::Co<void> Host::accept_loop(Listening& listening) {
  for (;;) {
    auto connection = co_await listening.listener->accept();
    if (!connection) {
      if (!stopping_ && !listening.closing) {
        log::write(log::Level::error, "host",
                   "a listener failed; it is not tried again before a restart",
                   {{"address", std::string_view(listening.listener->local().to_string())},
                    {"error", std::string_view(connection.error().message())}});
      }
      listener_ended(listening);
      co_return;
    }
    admit(std::move(*connection), std::string(listening.transport->name()));
  }
}

Result<limits::Reservation> Host::reserve_inbound(const TransportConnection& connection) {
  if (!gater_->allow_accept(remote_of(connection))) {
    return fail(HostError::gated);
  }
  const std::uint64_t descriptors = std::holds_alternative<RawConnection>(connection) ? 1 : 0;
  return resources_->open_connection(Direction::inbound, descriptors, k_connection_bytes,
                                     limits::counted_address(remote_of(connection)));
}

void Host::admit(TransportConnection connection, std::string transport) {
  auto reservation = reserve_inbound(connection);
  if (!reservation && make_room(connection, reservation.error())) {
    reservation = reserve_inbound(connection);
  }
  const auto* const raw = std::get_if<RawConnection>(&connection);
  if (!reservation) {
    if (raw != nullptr) {
      raw->stream->reset(0);
    } else {
      turn_away(std::move(std::get<SecuredConnection>(connection).connection), reservation.error());
    }
    refuse(remote_of(connection), std::nullopt, reservation.error());
    return;
  }
  const auto id = half_open_.begin(remote_of(connection), loop_.clock().now().time_since_epoch());
  handshaking_.emplace(id, Handshaking{.stream = raw == nullptr ? nullptr : raw->stream.get(),
                                       .reservation = std::move(*reservation)});
  tasks_.spawn("inbound connection",
               run_made(inbound(std::move(connection), std::move(transport), id)));
}

// Gives up another handshake when their number is what the newcomer was refused for.
bool Host::make_room(const TransportConnection& connection, const Error& error) {
  const bool full = error.is(limits::limit_error(limits::Resource::connections,
                                                 limits::Scope::transient, Direction::inbound));
  const auto victim =
      full ? half_open_.to_make_room(remote_of(connection), loop_.clock().now().time_since_epoch())
           : std::nullopt;
  if (!victim) {
    return false;
  }
  Handshaking& handshake = handshaking_.at(*victim);
  half_open_.end(*victim);
  handshake.given_up = error;
  handshake.reservation.release();
  if (handshake.stream != nullptr) {
    handshake.stream->reset(0);
  }
  return true;
}

rt::Co<std::optional<Host::ConnectionId>> Host::inbound(TransportConnection connection,
                                                        std::string transport,
                                                        limits::HalfOpen::Id handshake) {
  const Multiaddr remote = remote_of(connection);
  UpgradeOptions options{.direction = Direction::inbound,
                         .allow = [this, &remote](const PeerId& peer) {
                           return allows(Direction::inbound, peer, remote);
                         }};
  if (inbound_patience_ > rt::Duration::zero()) {
    options.undecided.emplace(
        Undecided{.loop = loop_, .number = rng_.u64(), .patience = inbound_patience_});
  }
  auto established = co_await establish(std::move(connection), std::move(options), 0);
  auto handshaking = std::move(handshaking_.extract(handshake).mapped());
  half_open_.end(handshake);
  if (!established || handshaking.given_up) {
    handshaking.reservation.release();
    refuse(remote, std::nullopt,
           handshaking.given_up ? *handshaking.given_up : established.error());
    co_return std::nullopt;
  }
  established->direction = Direction::inbound;
  established->transport = std::move(transport);
  established->reservation = std::move(handshaking.reservation);
  const PeerId peer = established->peer;
  const auto id = add_peer(std::move(*established));
  if (!id) {
    refuse(remote, peer, id.error());
    co_return std::nullopt;
  }
  co_return *id;
}

void Host::refuse(const Multiaddr& remote, std::optional<PeerId> peer, const Error& error) {
  if (limits::is_limit_error(error) && resources_->last_refusal()) {
    log::write(log::Level::debug, "host", "refused: a limit",
               {{"limit", std::string_view(resources_->last_refusal()->to_string())},
                {"remote", std::string_view(remote.to_string())}});
  }
  count_failed(error);
  fail_inbound(remote, peer, refusal(error));
}

void Host::fail_inbound(const Multiaddr& remote, std::optional<PeerId> peer, CloseReason reason) {
  emit({.kind = HostEvent::Kind::failed,
        .peer = peer,
        .remote = remote,
        .direction = Direction::inbound,
        .reason = reason,
        .connections_left = peer ? count(*peer) : 0});
}

}  // namespace vivim::libp2p
