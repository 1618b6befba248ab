#include "vivim/node/swarm.hpp"

#include <algorithm>

#include "vivim/base/log.hpp"
#include "vivim/libp2p/dns/resolver.hpp"
#include "vivim/libp2p/host/noise_security.hpp"
#include "vivim/libp2p/mplex/muxer.hpp"
#include "vivim/libp2p/quic/addresses.hpp"
#include "vivim/libp2p/relay/client.hpp"
#include "vivim/libp2p/tls/security.hpp"
#include "vivim/node/problems_detail.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::node {

namespace {

using libp2p::autonat::Reachability;
using multiformats::Multiaddr;

libp2p::HostOptions host_options(const SwarmContext& context, const crypto::KeyPair& key,
                                 const SwarmOptions& wanted, Transports& transports) {
  const auto random = [&rng = context.rng](MutableBytes out) { rng.fill(out); };
  libp2p::HostOptions options{.key = key, .agent = wanted.agent, .resources = wanted.limits};
  options.transports = std::move(transports.all);
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

/// Members of a private network know each other: the word of one counts, and about any address.
AutonatPolicy policy_of(const SwarmOptions& options) {
  if (options.autonat || !options.private_network) {
    return options.autonat.value_or(AutonatPolicy());
  }
  return {.scope = libp2p::autonat::Scope::any, .confidence_min = 1};
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
  const auto ip = endpoint ? rt::IpAddress::parse(endpoint->host)
                           : Result<rt::IpAddress>(fail(rt::RtError::bad_address));
  return ip ? with_endpoint(address, {.ip = *ip, .port = 0}).value_or(address) : address;
}

Problem not_started(const Error& error, const std::string& doing) {
  return Problem::from(error, "Could not begin to " + doing);
}

}  // namespace

Swarm::Swarm(SwarmContext context, const crypto::KeyPair& key, SwarmOptions options)
    : context_(context),
      signer_(libp2p::record::Signer::of(key)),
      private_network_(std::move(options.private_network)),
      policy_(policy_of(options)),
      transports_(make_transports(
          context, key,
          libp2p::limits::layer_limits(options.limits.value_or(libp2p::limits::Limits())),
          private_network_, std::move(options.web_tls))),
      host_(host_options(context, key, options, transports_), context.loop, context.network,
            context.rng),
      on_discovered_(std::move(options.on_discovered)),
      watching_(host_.subscribe([this](const libp2p::HostEvent& event) { on_host_event(event); })),
      hole_puncher_(host_, {.on_event =
                                [this](const libp2p::dcutr::HolePunchEvent& event) {
                                  ++hole_punches_[event.kind];
                                }}),
      refusal_log_(context.loop, host_.resources()),
      known_dht_(std::move(options.dht)),
      held_values_(std::move(options.dht_values)) {
  auto relays = std::make_unique<libp2p::relay::RelayTransport>(host_);
  relay_transport_ = relays.get();
  host_.add_transport(enclose(std::move(relays), private_network_, context.rng));
}

Outcome<void> Swarm::serve(const NetworkConfig& config) {
  refusal_log_.start();
  if (config.mplex) {
    const auto limits = libp2p::connection_limits(host_.resources().limits());
    host_.add_muxer(std::make_unique<libp2p::mplex::MplexMuxer>(
        libp2p::mplex::Config{.inbound_streams_max = limits.inbound_streams_max,
                              .outbound_streams_max = limits.outbound_streams_max}));
  }
  VIVIM_TRYV(serve_others(config));
  if (const auto started = hole_puncher_.start(); !started) {
    return std::unexpected(not_started(started.error(), "punch holes"));
  }
  VIVIM_TRYV(listen(config));
  announced_ = config.announce;
  announce();
  return look_for_others(config);
}

Outcome<void> Swarm::serve_others(const NetworkConfig& config) {
  if (config.pubsub.enabled) {
    VIVIM_TRYV(start_gossip(config.pubsub));
  }
  if (config.perf) {
    perf_.emplace(host_, context_.loop);
  }
  if (config.relay_server) {
    relay_.emplace(host_, signer_, libp2p::relay::RelayServerOptions{});
    if (const auto started = relay_->start(); !started) {
      return std::unexpected(not_started(started.error(), "relay"));
    }
  }
  if (config.rendezvous_server) {
    rendezvous_server_.emplace(host_, context_.loop, context_.rng);
    if (const auto& started = rendezvous_server_->status(); !started) {
      return std::unexpected(not_started(started.error(), "be a rendezvous point"));
    }
  }
  if (config.autonat) {
    autonat_ = std::make_unique<AutonatService>(
        context_, host_,
        AutonatService::Options{
            .policy = policy_, .private_network = private_network_, .on_change = [this] {
              if (seeker_) {
                seeker_->wake();
              }
              if (dht_) {
                dht_->set_reachable(reachability() == Reachability::public_);
              }
            }});
    if (const auto started = autonat_->start(); !started) {
      return std::unexpected(not_started(started.error(), "find out who can reach us"));
    }
  }
  return {};
}

Outcome<void> Swarm::look_for_others(const NetworkConfig& config) {
  seeker_.emplace(host_, *relay_transport_, config.relays, [this] { return reachability(); });
  seeker_->start();
  // Whoever listens on this machine alone is of no use to the network around it.
  if (config.mdns && !std::ranges::all_of(config.listen, is_loopback)) {
    start_mdns();
  }
  if (config.port_mapping) {
    start_port_mapping();
  }
  bootstrap_.emplace(host_, context_.loop, context_.rng);
  for (const Multiaddr& address : config.bootstrap) {
    if (const auto added = bootstrap_->add(address); !added) {
      return std::unexpected(
          Problem::from(added.error(), "bootstrap: cannot use " + address.to_string()));
    }
    bootstrap_peers_.insert(*address.peer());
  }
  bootstrap_->start();
  if (config.dht.on) {
    VIVIM_TRYV(join_dht(config.dht));
  }
  if (!config.rendezvous.empty()) {
    member_.emplace(host_, context_.loop, signer_,
                    libp2p::rendezvous::MemberOptions{
                        .ns = config.rendezvous_namespace,
                        .on_found = [this](const libp2p::rendezvous::Found& found) {
                          discovered(found.peer, "rendezvous");
                        }});
    for (const Multiaddr& address : config.rendezvous) {
      if (const auto added = member_->add_point(address); !added) {
        return std::unexpected(
            Problem::from(added.error(), "rendezvous: cannot use " + address.to_string()));
      }
    }
    member_->start();
  }
  return {};
}

Outcome<void> Swarm::start_gossip(const PubsubConfig& config) {
  namespace gossipsub = libp2p::gossipsub;
  gossipsub::ServiceOptions options;
  options.router.policy = config.anonymous ? gossipsub::SignaturePolicy::strict_no_sign
                                           : gossipsub::SignaturePolicy::strict_sign;
  options.router.ids =
      gossipsub::parse_id_profile(config.message_ids).value_or(gossipsub::IdProfile::vivim);
  options.router.mesh.do_px = config.peer_exchange;
  options.router.signer = signer_;
  gossip_.emplace(host_, context_.loop, context_.rng, std::move(options));
  if (const auto started = gossip_->start(); !started) {
    return std::unexpected(not_started(started.error(), "gossip"));
  }
  if (config.instances) {
    instances_.emplace(host_, *gossip_, signer_,
                       [this](const libp2p::PeerId& peer) { discovered(peer, "gossip"); });
    if (const auto started = instances_->start(); !started) {
      return std::unexpected(not_started(started.error(), "tell others of this node"));
    }
  }
  return {};
}

Outcome<void> Swarm::join_dht(const DhtConfig& config) {
  libp2p::kad::DhtOptions options{
      .mode = config.mode, .known = std::move(known_dht_), .held = std::move(held_values_)};
  options.rpc.protocol = config.protocol;
  dht_ = std::make_unique<libp2p::kad::Dht>(host_, context_.rng, signer_, std::move(options));
  if (const auto started = dht_->start(); !started) {
    return std::unexpected(not_started(started.error(), "take part in the DHT"));
  }
  dht_->set_reachable(reachability() == Reachability::public_);
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

void Swarm::start_port_mapping() {
  std::vector<std::unique_ptr<libp2p::portmap::Gateway>> gateways;
  gateways.push_back(libp2p::portmap::make_nat_pmp_gateway());
  gateways.push_back(libp2p::portmap::make_upnp_gateway());
  mapper_.emplace(host_, context_.router, std::move(gateways), [this] { announce(); });
  mapper_->start();
}

/// Tells others of the addresses that lead here by other means.
void Swarm::announce() {
  auto addresses = announced_;
  if (mapper_) {
    const auto mapped = mapper_->addresses();
    addresses.insert(addresses.end(), mapped.begin(), mapped.end());
  }
  host_.announce(std::move(addresses));
}

void Swarm::on_host_event(const libp2p::HostEvent& event) {
  using Kind = libp2p::HostEvent::Kind;
  if (!event.peer) {
    return;
  }
  if (event.kind == Kind::connected && bootstrap_peers_.contains(*event.peer)) {
    discovered(*event.peer, "bootstrap");
  } else if (event.kind == Kind::identified) {
    discovered(*event.peer, "identify");
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
  discovered(event.peer, "mdns");
}

void Swarm::discovered(const libp2p::PeerId& peer, std::string_view source) {
  if (discoveries_.note(peer, source) && on_discovered_) {
    on_discovered_(peer, source);
  }
}

Outcome<void> Swarm::listen(const NetworkConfig& config) {
  for (const auto& address : config.listen) {
    if (private_network_ && libp2p::quic::to_endpoint(address)) {
      log::write(log::Level::info, "node",
                 "no QUIC in a private network: it has no place for the key",
                 {{"address", address.to_string()}});
      continue;
    }
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
  return {};
}

Reachability Swarm::reachability() const {
  return overall(address_reachability());
}

std::vector<libp2p::autonat::AddressReachability> Swarm::address_reachability() const {
  return autonat_ ? autonat_->client().reachability()
                  : std::vector<libp2p::autonat::AddressReachability>();
}

std::string Swarm::private_network() const {
  return private_network_ ? private_network_->fingerprint() : "";
}

rt::Co<void> Swarm::stop() {
  if (member_) {
    co_await member_->leave();
  }
  if (relay_) {
    co_await relay_->stop();
  }
  if (mdns_) {
    co_await mdns_->stop();
  }
  if (autonat_) {
    co_await autonat_->stop();
  }
  if (seeker_) {
    co_await seeker_->stop();
  }
  if (dht_) {
    dht_->quit();
  }
  if (instances_) {
    co_await instances_->stop();
  }
  co_await host_.stop();
  if (gossip_) {
    co_await gossip_->stop();
  }
  co_await hole_puncher_.stop();
  if (bootstrap_) {
    co_await bootstrap_->stop();
  }
  if (member_) {
    co_await member_->stop();
  }
  if (dht_) {
    co_await dht_->stop();
  }
  if (mapper_) {
    co_await mapper_->stop();
  }
  co_await refusal_log_.stop();
}

}  // namespace vivim::node
