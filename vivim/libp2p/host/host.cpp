#include "vivim/libp2p/host/host.hpp"

#include <algorithm>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/host/noise_security.hpp"
#include "vivim/libp2p/host/peer_detail.hpp"
#include "vivim/libp2p/host/tcp_transport.hpp"
#include "vivim/libp2p/host/yamux_muxer.hpp"
#include "vivim/libp2p/limits/layers.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p {

namespace {

ConnectionManagerOptions water_marks(const limits::Limits& resources) {
  const auto layers = limits::layer_limits(resources);
  return {.low_water = layers.low_water, .high_water = layers.high_water};
}

constexpr auto k_house_interval = std::chrono::seconds(60);
constexpr auto k_trim_interval = std::chrono::seconds(5);  // while there are too many connections

}  // namespace

limits::Limits resource_limits(const HostLimits& limits) {
  return {.system = {.connections_inbound = limits.inbound_connections_max,
                     .connections_outbound = limits.outbound_connections_max},
          .transient = {.connections_inbound = limits.handshakes_max},
          .peer = {.connections = limits.connections_per_peer_max},
          .protocol = {},
          .address = {.connections_inbound = limits.connections_per_address_max}};
}

HostLimits connection_limits(const limits::Limits& resources) {
  const auto layers = limits::layer_limits(resources);
  // Not below what is usual: the limits of the peer refuse before, and say which they are.
  const HostLimits usual;
  return {.inbound_streams_max = std::max(usual.inbound_streams_max, layers.streams_inbound),
          .outbound_streams_max = std::max(usual.outbound_streams_max, layers.streams_outbound),
          .window_growth_bytes_max = layers.connection_window_bytes};
}

yamux::Config yamux_config(const HostLimits& limits, const HostTimes& times) {
  return {.window_growth_bytes_max = limits.window_growth_bytes_max,
          .inbound_streams_max = limits.inbound_streams_max,
          .outbound_streams_max = limits.outbound_streams_max,
          .keep_alive_interval = times.keep_alive_interval,
          .ping_timeout = times.keep_alive_timeout,
          .refused_code = to_value(ResetCode::limit_exceeded)};
}

Host::Host(HostOptions options, rt::Loop& loop, rt::Network& network, rt::Rng& rng)
    : loop_(loop),
      network_(network),
      rng_(rng),
      agent_(std::move(options.agent)),
      times_(options.times),
      peer_id_(PeerId::of(options.key)),
      public_key_(options.key.public_key()),
      own_record_(record::Signer::of(options.key)),
      store_(std::move(options.peer_store)),
      resources_(std::make_shared<limits::ResourceManager>(
          options.resources.value_or(resource_limits(options.limits)))),
      metrics_(std::make_shared<metrics::Registry>()),
      watchdog_(loop),
      securities_(std::move(options.securities)),
      muxers_(std::move(options.muxers)),
      resolver_(std::move(options.resolver)),
      gater_(options.gater != nullptr ? std::move(options.gater)
                                      : std::make_unique<ConnectionGater>()),
      manager_(options.connection_manager.value_or(water_marks(resources_->limits()))),
      house_timer_(loop.make_timer()),
      observed_(options.observation),
      described_(loop),
      push_timer_(loop.make_timer()),
      dial_delays_(options.dial_delays),
      backoff_(options.backoff),
      calls_ended_(loop),
      background_(loop),
      streams_(loop),
      tasks_(loop) {
  for (auto& transport : options.transports) {
    add_transport(std::move(transport));
  }
  if (transports_.empty()) {
    add_transport(std::make_unique<TcpTransport>(network));
  }
  if (securities_.empty()) {
    noise::Identity identity(options.key, [&rng](MutableBytes out) { rng.fill(out); });
    add_security(std::make_unique<NoiseSecurity>(std::move(identity), rng));
  }
  if (muxers_.empty()) {
    const auto& own = resources_->limits();
    add_muxer(std::make_unique<YamuxMuxer>(
        yamux_config(options.resources ? connection_limits(own) : options.limits, times_),
        limits::layer_limits(own).windows_bytes));
  }
  declare_metrics();
  add_services();
  background_.on_stop([this] {
    watchdog_.stop();
    house_timer_->cancel();
    described_.set();
    push_timer_->cancel();
  });
  background_.spawn("host housekeeping", keep_house());
  background_.spawn("identify push", push_loop());
  background_.spawn("host watchdog", watchdog_.run());
  tasks_.on_stop([this] { stop_now(); });
}

Host::~Host() {
  VIVIM_ASSERT(calls_ == 0 && peers_.empty() && ending_.empty());
}

rt::Co<void> Host::keep_house() {
  while (!background_.stopping()) {
    house_timer_->expire_at(loop_.clock().now() +
                            (manager_.above_high_water() ? k_trim_interval : k_house_interval));
    if (co_await house_timer_->wait()) {
      trim_connections();
      store_.expire(wall_now());
      for (const auto& [id, peer] : peers_) {
        observe_address(*peer);
      }
    }
  }
}

Host::Call::Call(Host& owner) : host(owner) {
  ++host.calls_;
}

Host::Call::~Call() {
  if (--host.calls_ == 0) {
    host.calls_ended_.set();
  }
}

void Host::add_transport(std::unique_ptr<Transport> transport) {
  transport->set_admission([this](const Multiaddr& remote) { return admits(remote); });
  transports_.push_back(std::move(transport));
}

void Host::add_security(std::unique_ptr<Security> security) {
  securities_.push_back(std::move(security));
}

void Host::add_muxer(std::unique_ptr<Muxer> muxer) {
  muxers_.push_back(std::move(muxer));
}

void Host::set_resolver(std::unique_ptr<AddressResolver> resolver) {
  resolver_ = std::move(resolver);
}

rt::Co<Result<Upgraded>> Host::secure(std::unique_ptr<rt::Stream> transport, UpgradeOptions options,
                                      std::size_t first_security) {
  UpgradeProtocols protocols;
  for (std::size_t i = first_security; i < securities_.size(); ++i) {
    protocols.securities.push_back(securities_[i].get());
  }
  for (const auto& muxer : muxers_) {
    protocols.muxers.emplace_back(muxer->protocol_id());
  }
  rt::Stream* const raw = transport.get();
  const ConnectionId id = next_id_++;
  upgrading_.emplace(id, raw);
  const auto guard = watchdog_.arm(times_.handshake_max, [raw] { raw->reset(0); });
  auto upgraded = co_await upgrade(std::move(transport), std::move(protocols), std::move(options));
  upgrading_.erase(id);
  if (stopping_) {
    co_return fail(HostError::stopping);
  }
  if (guard.expired()) {
    co_return fail(HostError::handshake_timeout);
  }
  co_return upgraded;
}

rt::Co<Result<Host::Established>> Host::establish(TransportConnection connection,
                                                  UpgradeOptions options,
                                                  std::size_t first_security) {
  if (auto* const ready = std::get_if<SecuredConnection>(&connection)) {
    std::optional<HostError> refused;
    if (options.expected_peer && *options.expected_peer != ready->peer) {
      refused = HostError::wrong_peer;
    } else if (options.allow && !options.allow(ready->peer)) {
      refused = HostError::gated;
    }
    if (refused) {
      turn_away(std::move(ready->connection), *refused);
      co_return fail(*refused);
    }
    co_return Established{.peer = ready->peer,
                          .connection = std::move(ready->connection),
                          .local = std::move(ready->local),
                          .remote = std::move(ready->remote),
                          .security = std::move(ready->security),
                          .muxer = std::move(ready->muxer),
                          .limited = ready->limited,
                          .layers_bytes = ready->held_bytes};
  }
  auto& raw = std::get<RawConnection>(connection);
  const rt::TimePoint begin = loop_.clock().now();
  VIVIM_CO_TRY(auto upgraded,
               co_await secure(std::move(raw.stream), std::move(options), first_security));
  const auto muxer = std::ranges::find(muxers_, std::string_view(upgraded.muxer),
                                       [](const auto& each) { return each->protocol_id(); });
  VIVIM_ASSERT(muxer != muxers_.end());
  auto muxed = (*muxer)->make(loop_, upgraded.direction, std::move(upgraded.stream),
                              std::move(upgraded.early));
  // One round trip, or a few: what windows can grow by until the first ping is answered.
  muxed->set_rtt(loop_.clock().now() - begin);
  co_return Established{.peer = upgraded.peer,
                        .connection = std::move(muxed),
                        .local = std::move(raw.local),
                        .remote = std::move(raw.remote),
                        .security = std::move(upgraded.security),
                        .muxer = std::move(upgraded.muxer),
                        .limited = raw.limited_later ? *raw.limited_later : raw.limited,
                        .layers_bytes = raw.held_bytes + upgraded.held_bytes};
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
  for (const auto& listening : listeners_) {
    listening->listener->close();
  }
  for (const auto& transport : transports_) {
    transport->cancel_dials();
  }
  if (resolver_ != nullptr) {
    resolver_->cancel();
  }
  for (const auto& [id, dialing] : dialings_) {
    dialing->finish(fail(HostError::stopping));
  }
  for (const auto& [id, transport] : upgrading_) {
    transport->reset(0);
  }
  for (const auto* table : {&peers_, &ending_}) {
    for (const auto& [id, peer] : *table) {
      peer->connection->close({.cause = CloseCause::local, .code = CloseCode::shutdown});
      peer->released.set();
    }
  }
}

rt::Co<void> Host::stop() {
  co_await tasks_.stop();
  dialings_.clear();
  by_peer_.clear();
  handshaking_.clear();  // as well as
  peers_.clear();        // connections whose task had not started
  co_await streams_.stop();
  while (calls_ > 0) {
    calls_ended_.reset();
    co_await calls_ended_.wait();
  }
  co_await background_.stop();
  listeners_.clear();
  while (!transports_.empty()) {
    const auto transport = std::move(transports_.back());
    transports_.pop_back();
    co_await transport->stop();
  }
}

}  // namespace vivim::libp2p
