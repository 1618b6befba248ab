#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/libp2p/relay/client.hpp"
#include "vivim/libp2p/relay/server.hpp"
#include "vivim/rt/sim/world.hpp"

namespace vivim::libp2p::relay::test {

inline constexpr std::string_view k_echo = "/vivim/test/echo/1";

inline rt::Co<void> echo(InboundStream inbound) {
  Bytes buffer(std::size_t{16} * 1024);
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

/// A host on a simulated node, which speaks through relays and echoes also over them.
struct RelayedHost {
  explicit RelayedHost(rt::sim::Node& node_, RelayClientOptions client = {})
      : node(node_),
        key(crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })),
        host({.key = key, .agent = "test/" + node_.name()}, node.loop(), node.network(),
             node.rng()) {
    auto own = std::make_unique<RelayTransport>(host, std::move(client));
    transport = own.get();
    host.add_transport(std::move(own));
    CHECK(host.handle(std::string(k_echo), echo, {.allow_limited = true}));
    address = host.listen(Multiaddr::parse("/ip4/" + node.ip().to_string() + "/tcp/4001").value())
                  .value()
                  .with_peer(host.peer_id())
                  .value();
  }

  PeerId id() const { return host.peer_id(); }
  const PeerInfo* connection(const PeerId& peer) {
    infos = host.peers();
    const auto found = std::ranges::find(infos, peer, &PeerInfo::id);
    return found == infos.end() ? nullptr : &*found;
  }

  rt::sim::Node& node;
  crypto::KeyPair key;
  Host host;
  RelayTransport* transport = nullptr;
  Multiaddr address;
  std::vector<PeerInfo> infos;
};

/// A relay, and two who meet through it.
struct Three {
  explicit Three(std::uint64_t seed, RelayServerOptions options = {},
                 RelayClientOptions client = {})
      : world(seed),
        relay(world.add_node("relay")),
        a(world.add_node("a"), client),
        b(world.add_node("b"), client),
        server(relay.host, record::Signer::of(relay.key), std::move(options)) {
    CHECK(server.start());
  }
  ~Three() {
    world.run(server.stop());
    for (RelayedHost* const each : {&a, &b, &relay}) {
      world.run(each->host.stop());
    }
    CHECK(world.connections_open() == 0);
  }

  /// <relay>/p2p-circuit
  Multiaddr circuit() const {
    return relay.address.with(Multiaddr::parse("/p2p-circuit").value()).value();
  }
  Multiaddr through(const RelayedHost& target) const {
    return circuit().with_peer(target.id()).value();
  }
  bool listen_through(RelayedHost& who) {
    return who.host.listen(circuit()).has_value() &&
           world.run_until([&] { return who.transport->reserved(relay.id()); },
                           std::chrono::minutes(1));
  }
  Result<PeerId> connect(RelayedHost& from, const RelayedHost& to) {
    return world.run(from.host.connect(through(to)));
  }
  Result<Bytes> echo_over(RelayedHost& from, const RelayedHost& to, Bytes bytes) {
    return world.run(converse(from.host, to.id(), std::move(bytes)));
  }

  static rt::Co<Result<Bytes>> converse(Host& host, PeerId peer, Bytes bytes) {
    const std::string protocol(k_echo);
    VIVIM_CO_TRY(auto opened,
                 co_await host.open_stream(peer, std::span(&protocol, 1), {.allow_limited = true}));
    VIVIM_CO_TRYV(co_await opened.stream->write(bytes));
    VIVIM_CO_TRYV(co_await opened.stream->close_write());
    Bytes all(bytes.size());
    VIVIM_CO_TRYV(co_await rt::read_exactly(*opened.stream, all));
    co_return all;
  }

  rt::sim::World world;
  RelayedHost relay;
  RelayedHost a;
  RelayedHost b;
  RelayServer server;
};

}  // namespace vivim::libp2p::relay::test
