// One thread serves both ends over loopback TCP: a host's stream beside the bare socket.
#include <benchmark/benchmark.h>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/rng.hpp"

using namespace vivim;
using namespace vivim::libp2p;

namespace {

constexpr std::size_t k_bulk_bytes = std::size_t{64} * 1024 * 1024;
constexpr std::size_t k_piece_bytes = std::size_t{64} * 1024;
const std::string k_sink = "/bench/sink/1";
const std::string k_echo = "/bench/echo/1";

rt::Co<void> drain(rt::Stream& stream, rt::Event& done) {
  Bytes buffer(k_piece_bytes);
  for (auto count = co_await stream.read_some(buffer); count && *count > 0;
       count = co_await stream.read_some(buffer)) {
  }
  done.set();
}

rt::Co<void> fill(rt::Stream& stream) {
  const Bytes piece(k_piece_bytes, 7);
  for (std::size_t sent = 0; sent < k_bulk_bytes; sent += piece.size()) {
    VIVIM_ASSERT((co_await stream.write(piece)).has_value());
  }
  VIVIM_ASSERT((co_await stream.close_write()).has_value());
}

rt::Co<void> echo(rt::Stream& stream) {
  Bytes buffer(k_piece_bytes);
  for (auto count = co_await stream.read_some(buffer); count && *count > 0;
       count = co_await stream.read_some(buffer)) {
    if (!co_await stream.write(BytesView(buffer).first(*count))) {
      break;
    }
  }
}

rt::Co<void> ping_pong(rt::Stream& stream, benchmark::State& state) {
  Bytes message(64, 1);
  for (auto _ : state) {
    VIVIM_ASSERT((co_await stream.write(message)).has_value());
    VIVIM_ASSERT((co_await rt::read_exactly(stream, message)).has_value());
  }
}

struct Hosts {
  Hosts() : done(loop), a(loop), b(loop) {
    const auto sunk =
        b.host.handle(k_sink, [this](InboundStream inbound) { return sink(std::move(inbound)); });
    const auto echoed =
        b.host.handle(k_echo, [](InboundStream inbound) { return answer(std::move(inbound)); });
    VIVIM_ASSERT(sunk.has_value() && echoed.has_value());
    const auto at = b.host.listen(Multiaddr::parse("/ip4/127.0.0.1/tcp/0").value()).value();
    VIVIM_ASSERT(loop.run(a.host.connect(at.with_peer(b.host.peer_id()).value())).has_value());
  }
  ~Hosts() {
    loop.run(a.host.stop());
    loop.run(b.host.stop());
  }
  rt::Co<void> sink(InboundStream inbound) { co_await drain(*inbound.stream, done); }
  static rt::Co<void> answer(InboundStream inbound) { co_await echo(*inbound.stream); }
  OpenedStream open(const std::string& protocol) {
    return loop.run(a.host.open_stream(b.host.peer_id(), std::span(&protocol, 1))).value();
  }

  struct One {
    explicit One(rt::asio_::Loop& loop)
        : network(loop),
          key(crypto::KeyPair::generate(crypto::os_random)),
          host({.key = key}, loop, network, rng) {}
    rt::asio_::SystemRng rng;
    rt::asio_::TcpNetwork network;
    crypto::KeyPair key;
    Host host;
  };
  rt::asio_::Loop loop;
  rt::Event done;
  One a;
  One b;
};

rt::Co<void> send_bulk(rt::Stream& stream, rt::Event& done) {
  co_await fill(stream);
  co_await done.wait();
}

void host_bulk(benchmark::State& state) {
  Hosts hosts;
  for (auto _ : state) {
    hosts.done.reset();
    auto opened = hosts.open(k_sink);
    hosts.loop.run(send_bulk(*opened.stream, hosts.done));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * k_bulk_bytes));
}
BENCHMARK(host_bulk)->UseRealTime()->Unit(benchmark::kMillisecond);

void host_ping_pong(benchmark::State& state) {
  Hosts hosts;
  auto opened = hosts.open(k_echo);
  hosts.loop.run(ping_pong(*opened.stream, state));
}
BENCHMARK(host_ping_pong)->UseRealTime()->Unit(benchmark::kMicrosecond);

void host_connect(benchmark::State& state) {
  rt::asio_::Loop loop;
  Hosts::One b(loop);
  const auto at = b.host.listen(Multiaddr::parse("/ip4/127.0.0.1/tcp/0").value()).value();
  for (auto _ : state) {
    Hosts::One a(loop);
    VIVIM_ASSERT(loop.run(a.host.connect(at.with_peer(b.host.peer_id()).value())).has_value());
    loop.run(a.host.stop());
  }
  loop.run(b.host.stop());
}
BENCHMARK(host_connect)->UseRealTime()->Unit(benchmark::kMicrosecond);

/// A socket pair without a host, for comparison.
struct Sockets {
  Sockets() : network(loop), tasks(loop), done(loop) {
    auto listener = network.listen({.ip = rt::IpAddress::v4(127, 0, 0, 1)}).value();
    tasks.spawn("accept", accept(*listener));
    client = std::move(loop.run(network.dial(listener->local(), std::chrono::seconds(5))).value());
    while (!server.stream) {
      loop.run(rt::sleep_for(loop, std::chrono::milliseconds(1)));
    }
  }
  ~Sockets() {
    client.stream->reset();
    loop.run(tasks.stop());
  }
  rt::Co<void> accept(rt::Listener& listener) { server = (co_await listener.accept()).value(); }

  rt::asio_::Loop loop;
  rt::asio_::TcpNetwork network;
  rt::TaskGroup tasks;
  rt::Event done;
  rt::Connection client;
  rt::Connection server;
};

void socket_bulk(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    Sockets sockets;
    sockets.tasks.spawn("drain", drain(*sockets.server.stream, sockets.done));
    state.ResumeTiming();
    sockets.loop.run(send_bulk(*sockets.client.stream, sockets.done));
    state.PauseTiming();
    sockets.client.stream->reset();
    sockets.server.stream->reset();
    state.ResumeTiming();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * k_bulk_bytes));
}
BENCHMARK(socket_bulk)->UseRealTime()->Unit(benchmark::kMillisecond);

void socket_ping_pong(benchmark::State& state) {
  Sockets sockets;
  sockets.tasks.spawn("echo", echo(*sockets.server.stream));
  sockets.loop.run(ping_pong(*sockets.client.stream, state));
}
BENCHMARK(socket_ping_pong)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
