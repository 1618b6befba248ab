#include "interop/peer/transports.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/host/tcp_transport.hpp"
#include "vivim/libp2p/pnet/transport.hpp"
#include "vivim/libp2p/quic/transport.hpp"
#include "vivim/libp2p/websocket/transport.hpp"
#include "vivim/libp2p/websocket/web_tls.hpp"

namespace vivim::interop {

namespace {

using libp2p::Transport;

std::string secret(const Choice& choice, std::string_view name) {
  const std::string path = choice.secrets + "/" + std::string(name);
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.empty()) {
    std::fprintf(stderr, "%s cannot be read\n", path.c_str());
    std::exit(2);
  }
  return text;
}

std::unique_ptr<libp2p::websocket::TlsLayer> web_tls(const Choice& choice, rt::Loop& loop) {
  using Source = libp2p::tls::Trust::Source;
  auto made = libp2p::websocket::WebTls::make(
      {.chain_pem = secret(choice, "chain.pem"),
       .key_pem = secret(choice, "key.pem"),
       .trust = {.source = Source::given, .authorities_pem = secret(choice, "ca.pem")}},
      loop.clock());
  VIVIM_ASSERT(made);
  return std::move(*made);
}

std::unique_ptr<Transport> make_transport(const Choice& choice, const crypto::KeyPair& key,
                                          rt::Loop& loop, rt::Network& network, rt::Rng& rng) {
  if (choice.transport == "ws" || choice.transport == "wss") {
    libp2p::websocket::WebSocketOptions options;
    options.tls = choice.transport == "wss" ? web_tls(choice, loop) : nullptr;
    return std::make_unique<libp2p::websocket::WebSocketTransport>(loop, network, rng,
                                                                   std::move(options));
  }
  if (choice.transport == "quic-v1") {
    auto made = libp2p::quic::QuicTransport::make(
        libp2p::quic::make_options(key, loop.clock(), rng), loop, network, rng);
    VIVIM_ASSERT(made);
    return std::move(*made);
  }
  return std::make_unique<libp2p::TcpTransport>(network);
}

}  // namespace

std::vector<std::unique_ptr<Transport>> make_transports(const Choice& choice,
                                                        const crypto::KeyPair& key, rt::Loop& loop,
                                                        rt::Network& network, rt::Rng& rng) {
  std::vector<std::unique_ptr<Transport>> all;
  all.push_back(make_transport(choice, key, loop, network, rng));
  if (choice.private_network) {
    auto shared = libp2p::pnet::PreSharedKey::parse(as_bytes(secret(choice, "swarm.key")));
    VIVIM_ASSERT(shared);
    all.front() = libp2p::pnet::make_private(std::move(all.front()), std::move(*shared),
                                             [&rng](MutableBytes out) { rng.fill(out); });
  }
  return all;
}

}  // namespace vivim::interop
