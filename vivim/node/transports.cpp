#include "vivim/node/transports.hpp"

#include "vivim/base/log.hpp"
#include "vivim/libp2p/host/tcp_transport.hpp"
#include "vivim/libp2p/pnet/transport.hpp"

namespace vivim::node {

namespace {

/// QUIC, or null when the TLS library refuses our certificate.
std::unique_ptr<libp2p::quic::QuicTransport> make_quic(const SwarmContext& context,
                                                       const crypto::KeyPair& key,
                                                       const libp2p::limits::LayerLimits& layers) {
  auto options = libp2p::quic::make_options(key, context.loop.clock(), context.rng);
  libp2p::quic::follow(layers, options);
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

std::unique_ptr<libp2p::Transport> enclose(
    std::unique_ptr<libp2p::Transport> transport,
    const std::optional<libp2p::pnet::PreSharedKey>& private_network, rt::Rng& rng) {
  if (!private_network) {
    return transport;
  }
  return libp2p::pnet::make_private(std::move(transport), private_network->clone(),
                                    [&rng](MutableBytes out) { rng.fill(out); });
}

Transports make_transports(const SwarmContext& context, const crypto::KeyPair& key,
                           const libp2p::limits::LayerLimits& layers,
                           const std::optional<libp2p::pnet::PreSharedKey>& private_network,
                           std::unique_ptr<libp2p::websocket::TlsLayer> web_tls) {
  Transports made;
  const auto add = [&](std::unique_ptr<libp2p::Transport> transport) {
    made.all.push_back(enclose(std::move(transport), private_network, context.rng));
  };
  add(std::make_unique<libp2p::TcpTransport>(context.network));
  if (!private_network) {
    if (auto quic = make_quic(context, key, layers)) {
      made.quic = quic.get();
      add(std::move(quic));
    }
  }
  auto websocket = std::make_unique<libp2p::websocket::WebSocketTransport>(
      context.loop, context.network, context.rng,
      libp2p::websocket::WebSocketOptions{.upgrades_max = layers.handshakes,
                                          .tls = std::move(web_tls)});
  made.websocket = websocket.get();
  add(std::move(websocket));
  return made;
}

}  // namespace vivim::node
