#include "vivim/node/autonat_service.hpp"

#include "vivim/libp2p/dns/resolver.hpp"
#include "vivim/libp2p/host/noise_security.hpp"
#include "vivim/libp2p/tls/security.hpp"
#include "vivim/node/secrets.hpp"

namespace vivim::node {

namespace {

using libp2p::tls::Trust;

/// The dialer's TLS: whose name a certificate is for does not matter to whether it is reached.
std::unique_ptr<libp2p::websocket::TlsLayer> any_tls(rt::Clock& clock) {
  WssSecrets anybody;
  anybody.trust.source = Trust::Source::everybody;
  auto tls = make_web_tls(anybody, clock);
  return tls ? std::move(*tls) : nullptr;
}

libp2p::HostOptions dialer_options(const SwarmContext& context, const crypto::KeyPair& key,
                                   const AutonatService::Options& wanted) {
  const auto random = [&rng = context.rng](MutableBytes out) { rng.fill(out); };
  libp2p::HostOptions options{.key = key, .agent = "vivim-autonat"};
  options.times.dial_max = libp2p::autonat::k_dial_back_time_max;
  options.transports = std::move(
      make_transports(context, key, {}, wanted.private_network, any_tls(context.loop.clock())).all);
  options.securities.push_back(
      std::make_unique<libp2p::NoiseSecurity>(libp2p::noise::Identity(key, random), context.rng));
  options.securities.push_back(
      std::make_unique<libp2p::tls::TlsSecurity>(key, random, context.loop.clock()));
  return options;
}

crypto::KeyPair another_key(rt::Rng& rng) {
  return crypto::KeyPair::generate([&rng](MutableBytes out) { rng.fill(out); });
}

}  // namespace

AutonatService::AutonatService(const SwarmContext& context, libp2p::Host& host, Options options)
    : dialer_(dialer_options(context, another_key(context.rng), options), context.loop,
              context.network, context.rng),
      server_(host, dialer_, context.rng, {.scope = options.policy.scope}),
      client_(host, context.rng,
              {.scope = options.policy.scope,
               .reachability = {.confidence_min = options.policy.confidence_min},
               .on_change = [changed = std::move(options.on_change)](
                                const libp2p::autonat::AddressReachability&) { changed(); }}) {}

Result<void> AutonatService::start() {
  VIVIM_TRYV(server_.start());
  return client_.start();
}

rt::Co<void> AutonatService::stop() {
  co_await client_.stop();
  co_await dialer_.stop();  // ends the dials that the server waits for
  co_await server_.stop();
}

}  // namespace vivim::node
