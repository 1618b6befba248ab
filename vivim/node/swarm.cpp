#include "vivim/node/swarm.hpp"

#include <algorithm>

#include "vivim/base/log.hpp"
#include "vivim/libp2p/dns/resolver.hpp"
#include "vivim/libp2p/host/noise_security.hpp"
#include "vivim/libp2p/quic/addresses.hpp"
#include "vivim/libp2p/quic/transport.hpp"
#include "vivim/libp2p/relay/client.hpp"
#include "vivim/libp2p/tls/security.hpp"
#include "vivim/libp2p/websocket/transport.hpp"
#include "vivim/node/problems_detail.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::node {

namespace {

using multiformats::Multiaddr;

constexpr std::string_view k_circuit = "/p2p-circuit";

libp2p::HostOptions host_options(const Swarm::Context& context, const crypto::KeyPair& key,
                                 const Swarm::Options& wanted) {
  const auto random = [&rng = context.rng](MutableBytes out) { rng.fill(out); };
  libp2p::HostOptions options{.key = key, .agent = wanted.agent, .resources = wanted.limits};
  options.securities.push_back(
      std::make_unique<libp2p::NoiseSecurity>(libp2p::noise::Identity(key, random), context.rng));
  options.securities.push_back(
      std::make_unique<libp2p::tls::TlsSecurity>(key, random, context.loop.clock()));
  options.resolver =
      std::make_unique<libp2p::dns::DnsAddressResolver>(context.loop, context.resolver);
  if (!wanted.peers.empty()) {
    auto known = libp2p::peerstore::PeerStore::decode(
        wanted.peers, {}, libp2p::peerstore::Time(context.loop.clock().wall_now_ms()));
    if (known) {
      options.peer_store = std::move(*known);
    } else {
      log::write(log::Level::warning, "node", "what was known of other nodes cannot be read",
                 {{"error", std::string_view(known.error().message())}});
    }
  }
  return options;
}

bool is_loopback(const Multiaddr& address) {
  const auto endpoint = address.endpoint();
  const auto ip = endpoint ? rt::IpAddress::parse(endpoint->host)
                           : Result<rt::IpAddress>(fail(rt::RtError::bad_address));
  return ip && ip->is_loopback();
}

/// The same address with a port that the system picks.
Multiaddr with_any_port(const Multiaddr& address) {
  const auto endpoint = address.endpoint();
  if (!endpoint) {
    return address;
  }
  if (const auto quic = libp2p::quic::to_endpoint(address)) {
    return libp2p::quic::to_multiaddr({.ip = quic->ip});
  }
  return *Multiaddr::from_tcp(endpoint->host, 0);
}

/// QUIC, or null when the TLS library refuses our certificate.
std::unique_ptr<libp2p::Transport> make_quic(Swarm::Context context, const crypto::KeyPair& key) {
  auto options = libp2p::quic::make_options(key, context.loop.clock(), context.rng);
  auto transport = libp2p::quic::QuicTransport::make(std::move(options), context.loop,
                                                     context.network, context.rng);
  if (!transport) {
    log::write(log::Level::error, "node", "no QUIC",
               {{"error", std::string_view(transport.error().message())}});
    return nullptr;
  }
  return std::move(*transport);
}

}  // namespace

Swarm::Swarm(Context context, const crypto::KeyPair& key, Options options)
    : context_(context),
      signer_(libp2p::record::Signer::of(key)),
      host_(host_options(context, key, options), context.loop, context.network, context.rng),
      on_discovered_(std::move(options.on_discovered)),
      hole_puncher_(host_) {
  if (auto quic = make_quic(context, key)) {
    host_.add_transport(std::move(quic));
  }
  host_.add_transport(std::make_unique<libp2p::websocket::WebSocketTransport>(
      context.loop, context.network, context.rng));
  host_.add_transport(std::make_unique<libp2p::relay::RelayTransport>(host_));
}

Outcome<void> Swarm::serve(const NetworkConfig& config) {
  if (config.perf) {
    perf_.emplace(host_, context_.loop);
  }
  if (config.relay_server) {
    relay_.emplace(host_, signer_, libp2p::relay::RelayServerOptions{});
    if (const auto started = relay_->start(); !started) {
      return std::unexpected(Problem::from(started.error(), "Could not begin to relay"));
    }
  }
  if (const auto started = hole_puncher_.start(); !started) {
    return std::unexpected(Problem::from(started.error(), "Could not begin to punch holes"));
  }
  VIVIM_TRYV(listen(config));
  // Whoever listens on this machine alone is of no use to the network around it.
  if (config.mdns && !std::ranges::all_of(config.listen, is_loopback)) {
    start_mdns();
  }
  return {};
}

void Swarm::start_mdns() {
  mdns_ = std::make_unique<libp2p::mdns::Service>(
      context_.loop, context_.network, context_.rng,
      libp2p::mdns::ServiceOptions{
          .self = host_.peer_id(),
          .addresses = [this] { return host_.listen_addresses(); },
          .observer = [this](const libp2p::mdns::Event& event) { on_mdns(event); },
          .interfaces = {}});
  if (const auto started = mdns_->start(); !started) {
    mdns_.reset();
    log::write(log::Level::info, "node", "the local network is not searched for nodes",
               {{"error", std::string_view(started.error().message())}});
  }
}

void Swarm::on_mdns(const libp2p::mdns::Event& event) {
  if (event.kind != libp2p::mdns::Event::Kind::discovered) {
    return;
  }
  const libp2p::peerstore::Time now(context_.loop.clock().wall_now_ms());
  for (const auto& address : event.addresses) {
    host_.peer_store().add_address(event.peer, address, libp2p::peerstore::Source::discovered,
                                   libp2p::peerstore::k_ttl_told, now);
  }
  if (on_discovered_) {
    on_discovered_(event.peer, "mdns");
  }
}

Outcome<void> Swarm::listen(const NetworkConfig& config) {
  for (const auto& address : config.listen) {
    auto at = host_.listen(address);
    if (!at && config.listen_is_default && at.error().is(rt::RtError::address_in_use)) {
      log::write(log::Level::warning, "node", "address is taken, another port is used",
                 {{"address", address.to_string()}});
      at = host_.listen(with_any_port(address));
    }
    if (!at) {
      return std::unexpected(listen_problem(address.to_string(), at.error(),
                                            "Choose another: vivim run --listen "
                                            "/ip4/0.0.0.0/tcp/0"));
    }
  }
  for (const auto& relay : config.relays) {
    const auto circuit = Multiaddr::parse(relay.to_string() + std::string(k_circuit));
    const auto at = circuit ? host_.listen(*circuit) : Result<Multiaddr>(circuit);
    if (!at) {
      return std::unexpected(listen_problem(relay.to_string(), at.error(),
                                            "Relays are named by addresses such as "
                                            "/ip4/192.0.2.1/tcp/8471/p2p/12D3KooW..."));
    }
  }
  return {};
}

rt::Co<void> Swarm::stop() {
  if (relay_) {
    co_await relay_->stop();
  }
  if (mdns_) {
    co_await mdns_->stop();
  }
  co_await host_.stop();
  co_await hole_puncher_.stop();
}

}  // namespace vivim::node
