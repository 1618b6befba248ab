// QUIC over loopback: the client's loop on one thread, the server's on another.
#include <atomic>
#include <thread>

#include <benchmark/benchmark.h>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/quic/transport.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/rng.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::libp2p;

namespace {

constexpr std::size_t k_bulk_bytes = std::size_t{256} * 1024 * 1024;
constexpr std::size_t k_piece_bytes = std::size_t{64} * 1024;

/// A transport on a loop of its own.
struct Side {
  Side()
      : network(loop),
        key(crypto::KeyPair::generate([this](MutableBytes out) { rng.fill(out); })),
        transport(quic::QuicTransport::make(quic::make_options(key, loop.clock(), rng), loop,
                                            network, rng)
                      .value()) {}

  rt::asio_::Loop loop;
  rt::asio_::TcpNetwork network;
  rt::asio_::SystemRng rng;
  crypto::KeyPair key;
  std::unique_ptr<quic::QuicTransport> transport;
};

rt::Co<void> drain(std::unique_ptr<rt::Stream> stream) {
  Bytes buffer(k_piece_bytes);
  for (auto count = co_await stream->read_some(buffer); count && *count > 0;
       count = co_await stream->read_some(buffer)) {
  }
  (void)co_await stream->close_write();
}

rt::Co<void> serve_connection(SecuredConnection connection, rt::TaskGroup& tasks) {
  tasks.spawn("run", connection.connection->run());
  while (auto stream = co_await connection.connection->accept()) {
    co_await drain(std::move(stream));
  }
  // Its end is that of run(), which needs it until then.
  rt::Event idle(tasks.loop());
  connection.connection->when_idle([&idle] { idle.set(); });
  co_await idle.wait();
  co_await rt::sleep_for(tasks.loop(), std::chrono::milliseconds(1));
}

rt::Co<void> serve(TransportListener& listener, rt::TaskGroup& tasks) {
  for (;;) {
    auto accepted = co_await listener.accept();
    if (!accepted) {
      co_return;
    }
    tasks.spawn("serve",
                serve_connection(std::get<SecuredConnection>(std::move(*accepted)), tasks));
  }
}

/// A server that drains streams, until it is destroyed.
class Server {
 public:
  Server()
      : listener_(
            side_.transport
                ->listen(multiformats::Multiaddr::parse("/ip4/127.0.0.1/udp/0/quic-v1").value())
                .value()),
        address_(listener_->local()),
        thread_([this] { side_.loop.run(run()); }) {}
  ~Server() {
    side_.loop.post([this] { listener_->close(); });
    thread_.join();
  }

  const multiformats::Multiaddr& address() const { return address_; }

 private:
  rt::Co<void> run() {
    rt::TaskGroup tasks(side_.loop);
    co_await serve(*listener_, tasks);
    co_await tasks.stop();
    listener_.reset();
    co_await side_.transport->stop();
  }

  Side side_;
  std::unique_ptr<TransportListener> listener_;
  multiformats::Multiaddr address_;
  std::thread thread_;
};

rt::Co<SecuredConnection> dial(Side& side, const multiformats::Multiaddr& address) {
  auto dialled = co_await side.transport->dial(address, {});
  VIVIM_ASSERT(dialled.has_value());
  co_return std::get<SecuredConnection>(std::move(*dialled));
}

rt::Co<void> pour(MuxedConnection& connection) {
  auto stream = connection.open_stream();
  VIVIM_ASSERT(stream.has_value());
  const Bytes piece(k_piece_bytes, 7);
  for (std::size_t sent = 0; sent < k_bulk_bytes; sent += piece.size()) {
    VIVIM_ASSERT((co_await (*stream)->write(piece)).has_value());
  }
  VIVIM_ASSERT((co_await (*stream)->close_write()).has_value());
  Bytes end(1);
  VIVIM_ASSERT((co_await (*stream)->read_some(end)).value_or(1) == 0);
}

rt::Co<void> close(SecuredConnection& connection, rt::TaskGroup& tasks) {
  connection.connection->close({.cause = CloseCause::local});
  co_await tasks.stop();
}

rt::Co<void> one_stream(Side& side, const multiformats::Multiaddr& address,
                        benchmark::State& state) {
  auto connection = co_await dial(side, address);
  rt::TaskGroup tasks(side.loop);
  tasks.spawn("run", connection.connection->run());
  for (auto _ : state) {
    co_await pour(*connection.connection);
  }
  co_await close(connection, tasks);
}

rt::Co<void> handshakes(Side& side, const multiformats::Multiaddr& address,
                        benchmark::State& state) {
  for (auto _ : state) {
    auto connection = co_await dial(side, address);
    rt::TaskGroup tasks(side.loop);
    tasks.spawn("run", connection.connection->run());
    co_await close(connection, tasks);
  }
}

rt::Co<void> stop(Side& side) {
  co_await side.transport->stop();
}

void throughput(benchmark::State& state) {
  Server server;
  Side client;
  client.loop.run(one_stream(client, server.address(), state));
  client.loop.run(stop(client));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * k_bulk_bytes));
}
BENCHMARK(throughput)->UseRealTime()->Unit(benchmark::kMillisecond);

void handshakes_per_second(benchmark::State& state) {
  Server server;
  Side client;
  client.loop.run(handshakes(client, server.address(), state));
  client.loop.run(stop(client));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(handshakes_per_second)->UseRealTime();

}  // namespace
