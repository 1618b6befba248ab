// Connections that peers make, until they are among the host's.
#include "vivim/base/log.hpp"
#include "vivim/libp2p/host/peer_detail.hpp"

namespace vivim::libp2p {

namespace {

const Multiaddr& remote_of(const TransportConnection& connection) {
  return std::visit([](const auto& each) -> const Multiaddr& { return each.remote; }, connection);
}

CloseReason reason_of(const Error& error) {
  if (error.is(HostError::gated)) {
    return {.cause = CloseCause::local, .error = error};
  }
  return CloseReason::from(error);
}

}  // namespace

bool Host::allows(Direction direction, const PeerId& peer, const Multiaddr& remote) const {
  return gater_->allow_secured(direction, peer, remote);
}

rt::Co<void> Host::accept_loop(Listening& listening) {
  for (;;) {
    auto connection = co_await listening.listener->accept();
    if (!connection) {
      if (!stopping_) {
        log::write(log::Level::error, "host", "a listener failed",
                   {{"error", std::string_view(connection.error().message())}});
      }
      co_return;
    }
    admit(std::move(*connection), std::string(listening.transport->name()));
  }
}

std::optional<Error> Host::why_not_admit() const {
  if (handshakes_ >= limits_.handshakes_max) {
    return Error(HostError::too_many_handshakes, limits_.handshakes_max);
  }
  if (count(Direction::inbound) + handshakes_ >= limits_.inbound_connections_max) {
    return Error(HostError::too_many_connections, limits_.inbound_connections_max);
  }
  return std::nullopt;
}

void Host::admit(TransportConnection connection, std::string transport) {
  const Multiaddr& remote = remote_of(connection);
  const auto refusal = gater_->allow_accept(remote) ? why_not_admit() : Error(HostError::gated);
  if (refusal) {
    if (const auto* const raw = std::get_if<RawConnection>(&connection)) {
      raw->stream->reset(0);
    }
    const bool gated = refusal->is(HostError::gated);
    fail_inbound(remote, std::nullopt,
                 {.cause = gated ? CloseCause::local : CloseCause::limit, .error = refusal});
    return;
  }
  ++handshakes_;
  tasks_.spawn("inbound connection", inbound(std::move(connection), std::move(transport)));
}

rt::Co<void> Host::inbound(TransportConnection connection, std::string transport) {
  const Multiaddr remote = remote_of(connection);
  UpgradeOptions options{.direction = Direction::inbound,
                         .allow = [this, &remote](const PeerId& peer) {
                           return allows(Direction::inbound, peer, remote);
                         }};
  auto established = co_await establish(std::move(connection), std::move(options), 0);
  --handshakes_;
  if (!established) {
    fail_inbound(remote, std::nullopt, reason_of(established.error()));
    co_return;
  }
  established->direction = Direction::inbound;
  established->transport = std::move(transport);
  const PeerId peer = established->peer;
  const auto id = add_peer(std::move(*established));
  if (!id) {
    const bool gated = id.error().is(HostError::gated);
    fail_inbound(remote, peer,
                 {.cause = gated ? CloseCause::local : CloseCause::limit, .error = id.error()});
    co_return;
  }
  co_await run_peer(*id);
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
