#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/libp2p/dcutr/hole_puncher.hpp"
#include "vivim/libp2p/quic/transport.hpp"
#include "vivim/libp2p/relay/client.hpp"
#include "vivim/libp2p/relay/server.hpp"
#include "vivim/rt/sim/world.hpp"

namespace vivim::libp2p::dcutr::test {

using namespace std::chrono_literals;
using rt::sim::NatOptions;

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

/// Reads until the end, and says nothing.
inline rt::Co<void> swallow(InboundStream inbound) {
  Bytes buffer(1000);
  for (;;) {
    const auto count = co_await inbound.stream->read_some(buffer);
    if (!count || *count == 0) {
      co_return;
    }
  }
}

enum class Over : std::uint8_t { tcp, quic };

inline HostOptions options_of(const crypto::KeyPair& key, rt::sim::Node& node, Over over) {
  HostOptions options{.key = key, .agent = "test/" + node.name()};
  options.observation.observers = Observers::all;  // the relay's address is private in simulation
  if (over == Over::quic) {
    options.transports.push_back(
        quic::QuicTransport::make(quic::make_options(key, node.clock(), node.rng()), node.loop(),
                                  node.network(), node.rng())
            .value());
  }
  return options;
}

/// A host on a simulated node, which speaks through relays and echoes also over them.
struct RelayedHost {
  explicit RelayedHost(rt::sim::Node& node_, Over over = Over::tcp)
      : node(node_),
        key(crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })),
        host(options_of(key, node, over), node.loop(), node.network(), node.rng()) {
    auto own = std::make_unique<relay::RelayTransport>(host);
    transport = own.get();
    host.add_transport(std::move(own));
    CHECK(host.handle(std::string(k_echo), echo, {.allow_limited = true}));
    const std::string place = over == Over::tcp ? "/tcp/4001" : "/udp/4001/quic-v1";
    address = host.listen(Multiaddr::parse("/ip4/" + node.ip().to_string() + place).value())
                  .value()
                  .with_peer(host.peer_id())
                  .value();
  }

  PeerId id() const { return host.peer_id(); }
  rt::sim::Node& node;
  crypto::KeyPair key;
  Host host;
  relay::RelayTransport* transport = nullptr;
  Multiaddr address;
};

inline rt::Co<Result<Bytes>> echo_over(Host& host, PeerId peer, Bytes bytes) {
  const std::string protocol(k_echo);
  VIVIM_CO_TRY(auto opened,
               co_await host.open_stream(peer, std::span(&protocol, 1), {.allow_limited = true}));
  VIVIM_CO_TRYV(co_await opened.stream->write(bytes));
  VIVIM_CO_TRYV(co_await opened.stream->close_write());
  Bytes all(bytes.size());
  VIVIM_CO_TRYV(co_await rt::read_exactly(*opened.stream, all));
  co_return all;
}

/// A relay that everybody reaches, and two hosts, behind NATs or not.
struct Net {
  struct Puncher {
    Puncher(RelayedHost& on, Scope scope)
        : puncher(on.host,
                  {.initiator = {.scope = scope},
                   .on_event = [this](const HolePunchEvent& event) { events.push_back(event); }}) {
      CHECK(puncher.start());
    }
    std::size_t count(HolePunchEvent::Kind kind) const {
      return static_cast<std::size_t>(std::ranges::count(events, kind, &HolePunchEvent::kind));
    }
    std::vector<HolePunchEvent> events;
    HolePuncher puncher;
  };

  Net(std::uint64_t seed, std::optional<NatOptions> nat_a, std::optional<NatOptions> nat_b,
      Scope scope = Scope::global, Over over = Over::tcp)
      : world(seed),
        relay(world.add_node("relay"), over),
        a(behind("a", nat_a), over),
        b(behind("b", nat_b), over),
        server(relay.host, record::Signer::of(relay.key), {}),
        at_a(a, scope),
        at_b(b, scope) {
    world.set_default_link({.latency = 25ms});
    CHECK(server.start());
    circuit = relay.address.with(Multiaddr::parse("/p2p-circuit").value()).value();
    CHECK(b.host.listen(circuit));
    REQUIRE(world.run_until([&] { return b.transport->reserved(relay.id()); }, 1min));
  }
  ~Net() {
    for (RelayedHost* const each : {&a, &b}) {
      world.run(each->host.stop());
    }
    world.run(at_a.puncher.stop());
    world.run(at_b.puncher.stop());
    world.run(server.stop());
    world.run(relay.host.stop());
    CHECK(world.connections_open() == 0);
  }

  rt::sim::Node& behind(const char* name, const std::optional<NatOptions>& nat) {
    auto& node = world.add_node(name);
    if (nat) {
      world.put_behind_nat(node, *nat);
    }
    return node;
  }
  Result<PeerId> connect() { return world.run(a.host.connect(circuit.with_peer(b.id()).value())); }
  std::size_t relayed(RelayedHost& at, RelayedHost& with) const {
    const auto all = at.host.peers();
    return static_cast<std::size_t>(std::ranges::count_if(
        all, [&](const PeerInfo& info) { return info.id == with.id() && info.limited; }));
  }
  bool direct(RelayedHost& at, RelayedHost& with) const { return at.host.connected(with.id()); }
  Result<Bytes> echo(RelayedHost& from, RelayedHost& to, std::size_t size) {
    return world.run(echo_over(from.host, to.id(), Bytes(size, 5)));
  }

  rt::sim::World world;
  RelayedHost relay;
  RelayedHost a;
  RelayedHost b;
  relay::RelayServer server;
  Puncher at_a;
  Puncher at_b;
  Multiaddr circuit;
};

}  // namespace vivim::libp2p::dcutr::test
