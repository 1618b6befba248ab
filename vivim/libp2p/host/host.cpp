#include "vivim/libp2p/host/host.hpp"

#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/base/log.hpp"
#include "vivim/libp2p/host/addresses.hpp"
#include "vivim/libp2p/host/peer_detail.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p {

Host::Host(const HostOptions& options, rt::Loop& loop, rt::Network& network, rt::Rng& rng)
    : loop_(loop),
      network_(network),
      rng_(rng),
      agent_(options.agent),
      limits_(options.limits),
      times_(options.times),
      identity_(options.key, [&rng](MutableBytes out) { rng.fill(out); }),
      watchdog_(loop),
      calls_ended_(loop),
      background_(loop),
      streams_(loop),
      tasks_(loop) {
  add_services();
  background_.on_stop([this] { watchdog_.stop(); });
  background_.spawn("host watchdog", watchdog_.run());
  tasks_.on_stop([this] { stop_now(); });
}

Host::~Host() {
  VIVIM_ASSERT(calls_ == 0 && peers_.empty() && ending_.empty());
}

Host::Call::Call(Host& owner) : host(owner) {
  ++host.calls_;
}

Host::Call::~Call() {
  if (--host.calls_ == 0) {
    host.calls_ended_.set();
  }
}

Result<Multiaddr> Host::listen(const Multiaddr& address) {
  if (stopping_) {
    return fail(HostError::stopping);
  }
  VIVIM_TRY(const auto endpoint, to_endpoint(address));
  VIVIM_TRY(auto listener, network_.listen(endpoint));
  const Multiaddr bound = to_multiaddr(listener->local());
  listeners_.push_back(std::move(listener));
  tasks_.spawn("host listener", accept_loop(*listeners_.back()));
  return bound;
}

std::vector<Multiaddr> Host::listen_addresses() const {
  std::vector<Multiaddr> addresses;
  for (const auto& listener : listeners_) {
    const rt::Endpoint local = listener->local();
    std::vector<rt::IpAddress> ips{local.ip};
    if (local.ip.is_unspecified()) {
      ips = network_.interfaces().value_or(std::vector<rt::IpAddress>{});
    }
    for (const auto& ip : ips) {
      if (ip.is_v6 == local.ip.is_v6) {
        addresses.push_back(
            to_multiaddr({.ip = ip, .port = local.port}).with_peer(peer_id()).value());
      }
    }
  }
  return addresses;
}

rt::Co<void> Host::accept_loop(rt::Listener& listener) {
  for (;;) {
    auto connection = co_await listener.accept();
    if (!connection) {
      if (!stopping_) {
        log::write(log::Level::error, "host", "a listener failed",
                   {{"error", std::string_view(connection.error().message())}});
      }
      co_return;
    }
    admit(std::move(*connection));
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

void Host::admit(rt::Connection connection) {
  if (const auto refusal = why_not_admit()) {
    connection.stream->reset(0);
    fail_inbound(to_multiaddr(connection.remote), std::nullopt,
                 {.cause = CloseCause::limit, .error = refusal});
    return;
  }
  ++handshakes_;
  tasks_.spawn("inbound connection", inbound(std::move(connection)));
}

rt::Co<void> Host::inbound(rt::Connection connection) {
  const Multiaddr remote = to_multiaddr(connection.remote);
  auto upgraded = co_await secure(std::move(connection.stream), {.direction = Direction::inbound});
  --handshakes_;
  if (!upgraded) {
    fail_inbound(remote, std::nullopt, CloseReason::from(upgraded.error()));
    co_return;
  }
  const PeerId peer = upgraded->peer;
  const auto id = add_peer(std::move(*upgraded), remote, Direction::inbound);
  if (!id) {
    fail_inbound(remote, peer, {.cause = CloseCause::limit, .error = id.error()});
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

rt::Co<Result<Upgraded>> Host::secure(std::unique_ptr<rt::Stream> transport,
                                      UpgradeOptions options) {
  rt::Stream* const raw = transport.get();
  const ConnectionId id = next_id_++;
  upgrading_.emplace(id, raw);
  const auto guard = watchdog_.arm(times_.handshake_max, [raw] { raw->reset(0); });
  auto upgraded = co_await upgrade(std::move(transport), identity_, std::move(options), rng_);
  upgrading_.erase(id);
  if (stopping_) {
    co_return fail(HostError::stopping);
  }
  if (guard.expired()) {
    co_return fail(HostError::handshake_timeout);
  }
  co_return upgraded;
}

rt::Co<Result<PeerId>> Host::connect(Multiaddr address) {
  const Call call(*this);
  const auto peer = address.peer();
  if (!peer) {
    co_return fail(HostError::no_peer_in_address);
  }
  if (*peer == peer_id()) {
    co_return fail(HostError::self_dial);
  }
  if (connected(*peer)) {
    co_return *peer;
  }
  if (stopping_) {
    co_return fail(HostError::stopping);
  }
  if (count(Direction::outbound) + dials_ >= limits_.outbound_connections_max) {
    co_return fail(HostError::too_many_connections, limits_.outbound_connections_max);
  }
  ++dials_;
  auto result = co_await dial(std::move(address));
  --dials_;
  co_return result;
}

rt::Co<Result<PeerId>> Host::dial(Multiaddr address) {
  VIVIM_CO_TRY(const auto endpoint, to_endpoint(address));
  auto connection = co_await network_.dial(endpoint, times_.dial_max);
  if (stopping_) {
    co_return fail(HostError::stopping);
  }
  if (!connection) {
    co_return std::unexpected(connection.error());
  }
  VIVIM_CO_TRY(auto upgraded,
               co_await secure(std::move(connection->stream), {.direction = Direction::outbound,
                                                               .expected_peer = address.peer()}));
  const PeerId peer = upgraded.peer;
  VIVIM_CO_TRY(const auto id,
               add_peer(std::move(upgraded), address.without_peer(), Direction::outbound));
  tasks_.spawn("outbound connection", run_peer(id));
  co_return peer;
}

Subscription Host::subscribe(std::function<void(const HostEvent&)> observer) {
  const std::uint64_t id = next_id_++;
  observers_.emplace(id, std::move(observer));
  return Subscription([this, id] { observers_.erase(id); });
}

void Host::emit(const HostEvent& event) {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, observer] : observers_) {
    ids.push_back(id);
  }
  for (const std::uint64_t id : ids) {
    if (const auto found = observers_.find(id); found != observers_.end()) {
      const auto observer = found->second;  // it may unsubscribe itself
      observer(event);
    }
  }
}

void Host::stop_now() {
  stopping_ = true;
  for (const auto& listener : listeners_) {
    listener->close();
  }
  network_.cancel_dials();
  for (const auto& [id, transport] : upgrading_) {
    transport->reset(0);
  }
  for (const auto* table : {&peers_, &ending_}) {
    for (const auto& [id, peer] : *table) {
      peer->connection.close({.cause = CloseCause::local});
      peer->released.set();
    }
  }
}

rt::Co<void> Host::stop() {
  co_await tasks_.stop();
  peers_.clear();  // connections whose task had not started
  co_await streams_.stop();
  while (calls_ > 0) {
    calls_ended_.reset();
    co_await calls_ended_.wait();
  }
  co_await background_.stop();
  listeners_.clear();
}

}  // namespace vivim::libp2p
