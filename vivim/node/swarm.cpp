#include "vivim/node/swarm.hpp"

#include "vivim/base/log.hpp"
#include "vivim/libp2p/dns/resolver.hpp"
#include "vivim/libp2p/host/noise_security.hpp"
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
                                 std::string agent) {
  const auto random = [&rng = context.rng](MutableBytes out) { rng.fill(out); };
  libp2p::HostOptions options{.key = key, .agent = std::move(agent)};
  options.securities.push_back(
      std::make_unique<libp2p::NoiseSecurity>(libp2p::noise::Identity(key, random), context.rng));
  options.securities.push_back(
      std::make_unique<libp2p::tls::TlsSecurity>(key, random, context.loop.clock()));
  options.resolver =
      std::make_unique<libp2p::dns::DnsAddressResolver>(context.loop, context.resolver);
  return options;
}

/// The same address with a port that the system picks.
Multiaddr with_any_port(const Multiaddr& address) {
  const auto endpoint = address.endpoint();
  return endpoint ? *Multiaddr::from_tcp(endpoint->host, 0) : address;
}

}  // namespace

Swarm::Swarm(Context context, const crypto::KeyPair& key, std::string agent)
    : context_(context),
      signer_(libp2p::record::Signer::of(key)),
      host_(host_options(context, key, std::move(agent)), context.loop, context.network,
            context.rng) {
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
  return listen(config);
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
  co_await host_.stop();
}

}  // namespace vivim::node
