#include "stress/node.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/host/noise_security.hpp"
#include "vivim/libp2p/mplex/muxer.hpp"
#include "vivim/libp2p/quic/transport.hpp"
#include "vivim/libp2p/tls/security.hpp"
#include "vivim/libp2p/websocket/transport.hpp"

namespace vivim::stress {

namespace {

constexpr std::size_t k_echo_bytes = std::size_t{16} * 1024;

rt::Co<void> echo(libp2p::InboundStream inbound) {
  Bytes buffer(k_echo_bytes);
  for (;;) {
    const auto count = co_await inbound.stream->read_some(buffer);
    if (!count) {
      co_return;
    }
    if (*count == 0) {
      (void)co_await inbound.stream->close_write();
      co_return;
    }
    if (!co_await inbound.stream->write(BytesView(buffer).first(*count))) {
      co_return;
    }
  }
}

std::string text_of(const rt::IpAddress& ip, Way way, std::uint16_t port) {
  const std::string front = (ip.is_v6 ? "/ip6/" : "/ip4/") + ip.to_string();
  const std::string number = std::to_string(port);
  switch (way) {
    case Way::tcp:
      return front + "/tcp/" + number;
    case Way::ws:
      return front + "/tcp/" + number + "/ws";
    case Way::quic:
      return front + "/udp/" + number + "/quic-v1";
  }
  return front;
}

bool counts_refusals(std::string_view line) {
  return line.starts_with("libp2p_inbound_failed_total{") ||
         line.starts_with("libp2p_streams_refused_total{") ||
         line.starts_with("libp2p_refused_total{") ||
         line.starts_with("libp2p_relay_refused_total{") ||
         line.starts_with("libp2p_autonat_refused_total{") ||
         line.starts_with("libp2p_rendezvous_refused_total{") ||
         line.starts_with("libp2p_connections_closed_total{cause=\"protocol\"") ||
         line.starts_with("libp2p_connections_closed_total{cause=\"limit\"");
}

/// Of a host's metrics, in Prometheus' text.
std::uint64_t sum_of_refusals(std::string_view text) {
  std::uint64_t total = 0;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (counts_refusals(line)) {
      std::uint64_t value = 0;
      const auto number = line.substr(line.rfind(' ') + 1);
      (void)std::from_chars(number.data(), number.data() + number.size(), value);
      total += value;
    }
  }
  return total;
}

}  // namespace

libp2p::HostOptions Node::host_options(const crypto::KeyPair& key, const NodeOptions& options) {
  return {.key = key, .agent = "vivim-stress", .limits = options.limits, .times = options.times};
}

Node::Node(const crypto::KeyPair& key, rt::Loop& loop, rt::Network& network, rt::Rng& rng,
           NodeOptions options)
    : loop_(loop), host_(host_options(key, options), loop, network, rng), addresses_(k_ways) {
  add_ways(key, network, rng, options);
  (void)host_.handle(std::string(k_echo_protocol), echo, {.allow_limited = true});
  if (options.serves) {
    add_services(key, network, rng);
  }
}

void Node::add_ways(const crypto::KeyPair& key, rt::Network& network, rt::Rng& rng,
                    const NodeOptions& options) {
  host_.add_security(std::make_unique<libp2p::tls::TlsSecurity>(
      key, [&rng](MutableBytes out) { rng.fill(out); }, loop_.clock()));
  host_.add_muxer(std::make_unique<libp2p::mplex::MplexMuxer>());
  auto ws = std::make_unique<libp2p::websocket::WebSocketTransport>(loop_, network, rng);
  ws_ = ws.get();
  host_.add_transport(std::move(ws));
  auto quic = libp2p::quic::QuicTransport::make(libp2p::quic::make_options(key, loop_.clock(), rng),
                                                loop_, network, rng);
  VIVIM_ASSERT(quic);
  quic_ = quic->get();
  host_.add_transport(std::move(*quic));
  auto circuits = std::make_unique<libp2p::relay::RelayTransport>(
      host_, libp2p::relay::RelayClientOptions{.times = options.keeper});
  circuits_ = circuits.get();
  host_.add_transport(std::move(circuits));
}

void Node::add_services(const crypto::KeyPair& key, rt::Network& network, rt::Rng& rng) {
  relay_ = std::make_unique<libp2p::relay::RelayServer>(host_, libp2p::record::Signer::of(key),
                                                        libp2p::relay::RelayServerOptions{});
  (void)relay_->start();
  dialer_key_ = std::make_unique<crypto::KeyPair>(
      crypto::KeyPair::generate([&rng](MutableBytes out) { rng.fill(out); }));
  dialer_ =
      std::make_unique<libp2p::Host>(libp2p::HostOptions{.key = *dialer_key_}, loop_, network, rng);
  autonat_ = std::make_unique<libp2p::autonat::AutonatServer>(host_, *dialer_, rng);
  (void)autonat_->start();
  rendezvous_ = std::make_unique<libp2p::rendezvous::Server>(host_, loop_, rng);
  perf_ = std::make_unique<libp2p::perf::Server>(host_, loop_);
}

Result<std::uint16_t> Node::listen_at(const rt::IpAddress& ip, Way way, std::uint16_t port) {
  VIVIM_TRY(const auto wanted, Multiaddr::parse(text_of(ip, way, port)));
  auto bound = host_.listen(wanted);
  if (!bound && port != 0) {
    return listen_at(ip, way, 0);
  }
  VIVIM_TRYV(bound);
  VIVIM_TRY(addresses_[static_cast<std::size_t>(way)], bound->with_peer(host_.peer_id()));
  VIVIM_TRY(const auto endpoint, bound->endpoint());
  return endpoint.port;
}

Result<void> Node::listen(const rt::IpAddress& ip, Ports ports) {
  VIVIM_TRY(ports_.tcp, listen_at(ip, Way::tcp, ports.tcp));
  VIVIM_TRY(ports_.ws, listen_at(ip, Way::ws, ports.ws));
  VIVIM_TRY(ports_.quic, listen_at(ip, Way::quic, ports.quic));
  return {};
}

std::uint64_t Node::refusals() const {
  const auto total = sum_of_refusals(host_.metrics_text()) + ws_->refused();
  const auto quic = quic_->stats();
  return total + quic.refused + quic.retries + quic.dropped;
}

rt::Co<void> Node::stop() {
  if (autonat_) {
    co_await autonat_->stop();
    co_await relay_->stop();
    co_await dialer_->stop();
  }
  co_await host_.stop();
}

}  // namespace vivim::stress
