#pragma once

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/quic/transport.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::libp2p::quic::test {

inline constexpr std::uint16_t k_port = 4001;

inline crypto::KeyPair make_key(rt::Rng& rng) {
  return crypto::KeyPair::generate([&rng](MutableBytes out) { rng.fill(out); });
}

inline multiformats::Multiaddr address_of(const rt::IpAddress& ip, std::uint16_t port) {
  return multiformats::Multiaddr::parse("/ip4/" + ip.to_string() + "/udp/" + std::to_string(port) +
                                        "/quic-v1")
      .value();
}

/// A transport on a simulated node.
struct TestPeer {
  explicit TestPeer(rt::sim::Node& node_, SessionConfig config = {}, EndpointLimits limits = {})
      : node(node_), key(make_key(node.rng())), id(PeerId::of(key)) {
    auto options = make_options(key, node.clock(), node.rng());
    options.session = config;
    options.limits = limits;
    transport =
        QuicTransport::make(std::move(options), node.loop(), node.network(), node.rng()).value();
    address = address_of(node.ip(), k_port);
  }

  void listen() { listener = transport->listen(address).value(); }

  rt::Co<void> stop() {
    listener.reset();
    co_await transport->stop();
  }

  rt::sim::Node& node;
  crypto::KeyPair key;
  PeerId id;
  std::unique_ptr<QuicTransport> transport;
  multiformats::Multiaddr address;
  std::unique_ptr<TransportListener> listener;
};

inline rt::Co<void> accept_into(TransportListener& listener,
                                std::optional<SecuredConnection>& into) {
  auto accepted = co_await listener.accept();
  if (accepted) {
    into.emplace(std::get<SecuredConnection>(std::move(*accepted)));
  }
}

/// A connection between two peers, both ends running.
struct Pair {
  Pair(rt::sim::World& world_, TestPeer& client_peer, TestPeer& server_peer)
      : world(world_), tasks(client_peer.node.loop()) {
    if (!server_peer.listener) {
      server_peer.listen();
    }
    std::optional<SecuredConnection> accepted;
    tasks.spawn("accept", accept_into(*server_peer.listener, accepted));
    auto dialled = world.run(
        client_peer.transport->dial(server_peer.address, {.expected_peer = server_peer.id}));
    REQUIRE_MESSAGE(dialled.has_value(), dialled.error().message());
    client.emplace(std::get<SecuredConnection>(std::move(*dialled)));
    REQUIRE(world.run_until([&] { return accepted.has_value(); }, std::chrono::seconds(20)));
    server = std::move(accepted);
    tasks.spawn("client", client->connection->run());
    tasks.spawn("server", server->connection->run());
  }

  MuxedConnection& a() { return *client->connection; }
  MuxedConnection& b() { return *server->connection; }

  void stop() {
    a().close({.cause = CloseCause::local});
    b().close({.cause = CloseCause::local});
    world.run(tasks.stop());
    client.reset();
    server.reset();
  }

  rt::sim::World& world;
  std::optional<SecuredConnection> client;
  std::optional<SecuredConnection> server;
  rt::TaskGroup tasks;
};

inline Bytes pattern(std::size_t count, std::uint8_t seed = 1) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 251 + seed);
  }
  return bytes;
}

inline rt::Co<Result<Bytes>> read_to_end(rt::Stream& stream) {
  Bytes all;
  Bytes buffer(std::size_t{32} * 1024);
  for (;;) {
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(buffer));
    if (count == 0) {
      co_return all;
    }
    append(all, BytesView(buffer).first(count));
  }
}

inline rt::Co<void> write_and_close(rt::Stream& stream, Bytes bytes) {
  if (co_await stream.write(bytes)) {
    (void)co_await stream.close_write();
  }
}

inline rt::Co<void> echo(std::unique_ptr<rt::Stream> stream) {
  Bytes buffer(std::size_t{16} * 1024);
  for (;;) {
    const auto count = co_await stream->read_some(buffer);
    if (!count) {
      co_return;
    }
    if (*count == 0) {
      (void)co_await stream->close_write();
      co_return;
    }
    if (!co_await stream->write(BytesView(buffer).first(*count))) {
      co_return;
    }
  }
}

inline rt::Co<void> echo_all(MuxedConnection& connection, rt::TaskGroup& tasks) {
  while (auto stream = co_await connection.accept()) {
    tasks.spawn("echo", echo(std::move(stream)));
  }
}

/// Sends bytes on a new stream and checks that they come back.
inline rt::Co<void> echo_once(MuxedConnection& connection, rt::TaskGroup& tasks, Bytes bytes,
                              std::size_t& good) {
  auto stream = connection.open_stream();
  if (!stream) {
    co_return;
  }
  rt::Event written(tasks.loop());
  rt::Stream* const raw = stream->get();
  tasks.spawn("write", write_and_close(*raw, bytes));
  const auto back = co_await read_to_end(*raw);
  good += back && *back == bytes ? 1 : 0;
}

}  // namespace vivim::libp2p::quic::test
