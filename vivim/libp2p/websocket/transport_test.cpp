#include "vivim/libp2p/websocket/transport.hpp"

#include "vivim/libp2p/websocket/websocket_test_detail.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/rng.hpp"
#include "vivim/websocket/handshake.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::websocket;
using namespace vivim::libp2p::websocket::test;
using namespace std::chrono_literals;
using multiformats::Multiaddr;

namespace {

struct Side {
  explicit Side(rt::sim::Node& node_, WebSocketOptions options = {})
      : node(node_), transport(node.loop(), node.network(), node.rng(), std::move(options)) {}
  rt::sim::Node& node;
  WebSocketTransport transport;
};

struct Fixture {
  explicit Fixture(WebSocketOptions server_options = {}, WebSocketOptions client_options = {})
      : world(11),
        alice(world.add_node("alice"), std::move(client_options)),
        bob(world.add_node("bob"), std::move(server_options)) {}
  ~Fixture() {
    if (listener) {
      listener->close();
    }
    world.run(alice.transport.stop());
    world.run(bob.transport.stop());
  }

  Multiaddr listen(const std::string& tail = "/ws") {
    const auto at =
        Multiaddr::parse("/ip4/" + bob.node.ip().to_string() + "/tcp/4002" + tail).value();
    listener = bob.transport.listen(at).value();
    return listener->local();
  }
  rt::Connection tcp() {
    const rt::Endpoint to{.ip = bob.node.ip(), .port = 4002};
    return world.run(alice.node.network().dial(to, 5s)).value();
  }

  rt::sim::World world;
  Side alice;
  Side bob;
  std::unique_ptr<TransportListener> listener;
};

rt::Co<void> serve_one(TransportListener& listener, Multiaddr* remote) {
  auto accepted = co_await listener.accept();
  if (!accepted) {
    co_return;
  }
  auto& raw = std::get<RawConnection>(*accepted);
  if (remote != nullptr) {
    *remote = raw.remote;
  }
  co_await echo(*raw.stream);
}

rt::Co<void> talk(rt::Loop& loop, WebSocketTransport& from, TransportListener& listener,
                  Multiaddr to, const Bytes& bytes, Multiaddr* remote) {
  rt::TaskGroup tasks(loop);
  tasks.spawn("server", serve_one(listener, remote));
  auto dialled = co_await from.dial(to, {.timeout = 5s});
  REQUIRE(dialled);
  auto& raw = std::get<RawConnection>(*dialled);
  CHECK(raw.remote == to.without_peer());
  tasks.spawn("write", write_in_pieces(*raw.stream, bytes, 60'000));
  const auto back = co_await read_to_end(*raw.stream, 65536);
  REQUIRE(back);
  CHECK(*back == bytes);
  co_await tasks.stop();
}

rt::Co<std::string> read_text(rt::Stream& stream) {
  const auto all = co_await read_to_end(stream);
  co_return all ? std::string(as_text(*all)) : "";
}

}  // namespace

TEST_CASE("ws transport: dial, listen, bytes both ways, addresses") {
  Fixture f;
  const auto address = f.listen();
  CHECK(address.to_string() == "/ip4/10.0.0.2/tcp/4002/ws");
  Bytes bytes(300'000);
  f.alice.node.rng().fill(bytes);
  Multiaddr remote;
  f.world.run(talk(f.alice.node.loop(), f.alice.transport, *f.listener, address, bytes, &remote));
  CHECK(remote.to_string().starts_with("/ip4/10.0.0.1/tcp/"));
  CHECK(remote.to_string().ends_with("/ws"));
}

TEST_CASE("ws transport: secure addresses go through TLS with the name of the address") {
  auto client_tls = std::make_unique<FakeTls>();
  auto* const client = client_tls.get();
  Fixture f({.tls = std::make_unique<FakeTls>()}, {.tls = std::move(client_tls)});
  const auto address = f.listen("/tls/ws");
  CHECK(address.to_string() == "/ip4/10.0.0.2/tcp/4002/tls/ws");
  f.world.run(
      talk(f.alice.node.loop(), f.alice.transport, *f.listener, address, Bytes(1000), nullptr));
  CHECK(client->name == "10.0.0.2");
  const auto named = Multiaddr::parse("/ip4/10.0.0.2/tcp/4002/tls/sni/b.example/ws").value();
  f.world.run(
      talk(f.alice.node.loop(), f.alice.transport, *f.listener, named, Bytes(1000), nullptr));
  CHECK(client->name == "b.example");
}

TEST_CASE("ws transport: what it can dial and listen on depends on TLS") {
  Fixture f;
  const auto plain = Multiaddr::parse("/ip4/10.0.0.2/tcp/1/ws").value();
  const auto secure = Multiaddr::parse("/ip4/10.0.0.2/tcp/1/wss").value();
  CHECK(f.alice.transport.can_dial(plain));
  CHECK(f.alice.transport.can_listen(plain));
  CHECK_FALSE(f.alice.transport.can_dial(secure));
  CHECK_FALSE(f.alice.transport.can_listen(secure));
  CHECK_FALSE(f.alice.transport.can_dial(Multiaddr::parse("/ip4/1.2.3.4/tcp/1").value()));
  CHECK(f.alice.transport.listen(secure).error().is(WsError::no_tls));
  CHECK(
      f.world.run(f.alice.transport.dial(plain, {.timeout = 1s})).error().is(rt::RtError::refused));
  auto tls = std::make_unique<FakeTls>();
  tls->serves = false;
  Fixture dial_only({}, {.tls = std::move(tls)});
  CHECK(dial_only.alice.transport.can_dial(secure));
  CHECK_FALSE(dial_only.alice.transport.can_listen(secure));
}

TEST_CASE("ws transport: an HTTP request that is no upgrade is answered and counted") {
  Fixture f;
  f.listen();
  auto connection = f.tcp();
  REQUIRE(f.world.run(connection.stream->write(as_bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))));
  CHECK(f.world.run(read_text(*connection.stream)).starts_with("HTTP/1.1 426"));
  CHECK(f.bob.transport.refused() == 1);
}

TEST_CASE("ws transport: who is not let in gets no byte, plain or with TLS") {
  for (const std::string tail : {"/ws", "/tls/ws"}) {
    WebSocketOptions options;
    options.tls = std::make_unique<FakeTls>();
    Fixture f(std::move(options));
    f.listen(tail);
    std::vector<std::string> asked;
    f.bob.transport.set_admission([&](const Multiaddr& remote) {
      asked.push_back(remote.to_string());
      return false;
    });
    auto connection = f.tcp();
    (void)f.world.run(connection.stream->write(as_bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
    CHECK(f.world.run(read_to_end(*connection.stream)).error().is(rt::RtError::reset));
    REQUIRE(asked.size() == 1);
    CHECK(asked.front().starts_with("/ip4/" + f.alice.node.ip().to_string() + "/tcp/"));
    CHECK(asked.front().ends_with(tail));
    CHECK(f.bob.transport.refused() == 1);
    f.bob.transport.set_admission([](const Multiaddr&) { return true; });
    auto other = f.tcp();  // may go on
    f.world.run_for(1s);
    CHECK(f.bob.transport.refused() == 1);
  }
}

TEST_CASE("hostile: slow and silent handshakes end in time, others are served meanwhile") {
  Fixture f({.upgrade_max = 10s, .upgrades_max = 4});
  const auto address = f.listen();
  std::vector<rt::Connection> silent;
  for (int i = 0; i < 3; ++i) {
    silent.push_back(f.tcp());
    REQUIRE(f.world.run(silent.back().stream->write(as_bytes("GET / HT"))));
  }
  f.world.run_for(1s);
  f.world.run(
      talk(f.alice.node.loop(), f.alice.transport, *f.listener, address, Bytes(1000), nullptr));
  silent.push_back(f.tcp());
  f.world.run_for(1s);
  auto above = f.tcp();
  f.world.run_for(1s);
  CHECK(f.bob.transport.refused() == 1);
  f.world.run_for(11s);
  CHECK(f.bob.transport.refused() == 5);
  f.world.run(
      talk(f.alice.node.loop(), f.alice.transport, *f.listener, address, Bytes(1000), nullptr));
}

TEST_CASE("hostile: WebSockets that nobody accepts are bounded") {
  Fixture f({.accepted_max = 2});
  f.listen();
  vivim::websocket::ClientHandshake handshake({.host = "h"});
  std::vector<rt::Connection> open;
  for (int i = 0; i < 3; ++i) {
    open.push_back(f.tcp());
    REQUIRE(f.world.run(open.back().stream->write(as_bytes(handshake.request()))));
  }
  f.world.run_for(1s);
  CHECK(f.bob.transport.refused() == 1);
}

TEST_CASE("ws transport: a server that never answers times the dial out; cancelling ends it") {
  Fixture f;
  const auto address = Multiaddr::parse("/ip4/10.0.0.2/tcp/4002/ws").value();
  auto mute = f.bob.node.network().listen({.ip = f.bob.node.ip(), .port = 4002}).value();
  const auto began = f.world.now();
  CHECK(f.world.run(f.alice.transport.dial(address, {.timeout = 3s}))
            .error()
            .is(rt::RtError::timed_out));
  CHECK(f.world.now() - began >= 3s);
  CHECK(f.world.now() - began < 4s);
  f.world.after(1s, [&f] { f.alice.transport.cancel_dials(); });
  CHECK(f.world.run(f.alice.transport.dial(address, {.timeout = 30s}))
            .error()
            .is(rt::RtError::closed));
}

TEST_CASE("ws transport: closing the listener ends accept and handshakes under way") {
  Fixture f;
  f.listen();
  auto half = f.tcp();
  f.world.run_for(1s);
  f.world.after(1s, [&f] { f.listener->close(); });
  CHECK(f.world.run(f.listener->accept()).error().is(rt::RtError::closed));
  Bytes buffer(10);
  CHECK_FALSE(f.world.run(half.stream->read_some(buffer)));
}

namespace {

rt::Co<void> over_tcp(rt::asio_::Loop& loop, WebSocketTransport& a, WebSocketTransport& b) {
  auto listener = b.listen(Multiaddr::parse("/ip4/127.0.0.1/tcp/0/ws").value()).value();
  Bytes bytes(std::size_t{8} << 20, 0x5a);
  co_await talk(loop, a, *listener, listener->local(), bytes, nullptr);
  listener->close();
  co_await a.stop();
  co_await b.stop();
}

}  // namespace

TEST_CASE("ws transport: eight megabytes over real sockets") {
  rt::asio_::Loop loop;
  rt::asio_::TcpNetwork network(loop);
  rt::asio_::SystemRng rng;
  WebSocketTransport a(loop, network, rng);
  WebSocketTransport b(loop, network, rng);
  loop.run(over_tcp(loop, a, b));
}
