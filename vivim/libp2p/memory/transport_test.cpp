#include "vivim/libp2p/memory/transport.hpp"

#include <vector>

#include <doctest/doctest.h>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/rng.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::memory;
using namespace std::chrono_literals;
using multiformats::Multiaddr;
using rt::RtError;

namespace {

const std::string k_echo = "/test/echo/1";

Multiaddr at(const std::string& text) {
  return Multiaddr::parse(text).value();
}

rt::Co<void> echo(InboundStream inbound) {
  Bytes buffer(std::size_t{16} * 1024);
  for (;;) {
    const auto count = co_await inbound.stream->read_some(buffer);
    if (!count || *count == 0) {
      (void)co_await inbound.stream->close_write();
      co_return;
    }
    if (!co_await inbound.stream->write(BytesView(buffer).first(*count))) {
      co_return;
    }
  }
}

/// A host with nothing but memory, Noise and yamux.
struct MemoryHost {
  MemoryHost(MemoryHub& hub, rt::Loop& loop, rt::Network& network, rt::Rng& rng)
      : key(crypto::KeyPair::generate([&rng](MutableBytes out) { rng.fill(out); })),
        host(options(key, hub), loop, network, rng) {
    CHECK(host.handle(k_echo, echo));
  }
  static HostOptions options(const crypto::KeyPair& key, MemoryHub& hub) {
    HostOptions options{.key = key};
    options.transports.push_back(std::make_unique<MemoryTransport>(hub));
    return options;
  }

  crypto::KeyPair key;
  Host host;
};

rt::Co<void> write_and_close(rt::Stream& stream, const Bytes& bytes) {
  if (co_await stream.write(bytes)) {
    (void)co_await stream.close_write();
  }
}

rt::Co<Result<Bytes>> echo_through(Host& host, PeerId peer, const Bytes& bytes) {
  const std::vector<std::string> protocols{k_echo};
  VIVIM_CO_TRY(auto opened, co_await host.open_stream(peer, protocols));
  rt::TaskGroup tasks(host.loop());
  rt::Stream* const raw = opened.stream.get();
  tasks.on_stop([raw] { raw->reset(0); });
  tasks.spawn("write", write_and_close(*raw, bytes));
  Bytes back;
  Bytes buffer(std::size_t{32} * 1024);
  for (;;) {
    VIVIM_CO_TRY(const auto count, co_await raw->read_some(buffer));
    if (count == 0) {
      break;
    }
    append(back, BytesView(buffer).first(count));
  }
  co_await tasks.stop();
  co_return back;
}

rt::Co<void> meet(MemoryHost& a, MemoryHost& b) {
  const auto bound = b.host.listen(at("/memory/0"));
  REQUIRE(bound);
  const auto address = b.host.listen_addresses().front();
  CHECK(address == bound->with_peer(b.host.peer_id()).value());
  const auto peer = co_await a.host.connect(address);
  REQUIRE_MESSAGE(peer.has_value(), peer.error().message());
  const auto info = a.host.peers().front();
  CHECK(info.transport == "memory");
  CHECK(info.security == "/noise");
  CHECK(info.muxer == "/yamux/1.0.0");
  CHECK(info.address == *bound);
  Bytes sent(3'000'000);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    sent[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
  }
  const auto back = co_await echo_through(a.host, *peer, sent);
  REQUIRE(back);
  CHECK(*back == sent);
  CHECK((co_await b.host.ping(a.host.peer_id())).has_value());
  co_await a.host.stop();
  co_await b.host.stop();
}

}  // namespace

TEST_CASE("memory: hosts without a network connect, with Noise and yamux") {
  rt::asio_::Loop loop;
  rt::asio_::TcpNetwork network(loop);
  rt::asio_::SystemRng rng;
  MemoryHub hub(loop, 1000);
  MemoryHost a(hub, loop, network, rng);
  MemoryHost b(hub, loop, network, rng);
  loop.run(meet(a, b));
}

TEST_CASE("memory: in the simulator too") {
  rt::sim::World world(1);
  auto& node = world.add_node("node");
  MemoryHub hub(node.loop());
  MemoryHost a(hub, node.loop(), node.network(), node.rng());
  MemoryHost b(hub, node.loop(), node.network(), node.rng());
  world.run(meet(a, b));
}

TEST_CASE("memory: numbers, and what is none") {
  rt::sim::World world(1);
  auto& node = world.add_node("node");
  MemoryHub hub(node.loop());
  MemoryTransport transport(hub);
  for (const auto* text : {"/memory/x", "/memory/1x", "/ip4/1.2.3.4/tcp/1", "/memory/1/ws",
                           "/memory/99999999999999999999"}) {
    CHECK_MESSAGE(!transport.can_dial(at(text)), text);
    CHECK_MESSAGE(!transport.can_listen(at(text)), text);
    CHECK(transport.listen(at(text)).error().is(RtError::bad_address));
    CHECK(world.run(transport.dial(at(text), {})).error().is(RtError::bad_address));
  }
  CHECK(world.run(transport.dial(at("/memory/7"), {})).error().is(RtError::refused));
  auto first = transport.listen(at("/memory/1")).value();
  CHECK(transport.listen(at("/memory/1")).error().is(RtError::address_in_use));
  auto second = transport.listen(at("/memory/0")).value();
  CHECK(second->local() == at("/memory/2"));
  first->close();
  CHECK(world.run(transport.dial(at("/memory/1"), {})).error().is(RtError::refused));
  CHECK(world.run(first->accept()).error().is(RtError::closed));
  CHECK(transport.listen(at("/memory/1")));
}

TEST_CASE("memory: connections that nobody accepts are bounded, and end with their listener") {
  rt::sim::World world(1);
  auto& node = world.add_node("node");
  MemoryHub hub(node.loop());
  MemoryTransport transport(hub);
  auto listener = transport.listen(at("/memory/5")).value();
  std::vector<RawConnection> dialled;
  for (std::size_t i = 0; i < k_backlog_max; ++i) {
    dialled.push_back(
        std::get<RawConnection>(world.run(transport.dial(at("/memory/5"), {})).value()));
  }
  CHECK(world.run(transport.dial(at("/memory/5"), {})).error().is(RtError::refused));
  CHECK(dialled[0].local != dialled[1].local);
  CHECK(world.run(listener->accept()));
  CHECK(world.run(transport.dial(at("/memory/5"), {})));
  listener->close();
  Bytes buffer(1);
  CHECK(world.run(dialled[1].stream->read_some(buffer)).error().is(RtError::reset));
}
