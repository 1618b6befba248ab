// Secure WebSocket with real TLS, and whole hosts over it.
#include "vivim/libp2p/websocket/web_tls.hpp"

#include "vivim/libp2p/dns/resolver.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/tls/error.hpp"
#include "vivim/libp2p/websocket/transport.hpp"
#include "vivim/libp2p/websocket/websocket_test_detail.hpp"
#include "vivim/rt/sim/resolver.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::websocket;
using namespace vivim::libp2p::websocket::test;
using namespace std::chrono_literals;

namespace {

/// Its own authority, for node.example, 127.0.0.1 and 10.0.0.2, from 2020 to 2120.
const std::string k_certificate =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBdTCCARygAwIBAgIBATAKBggqhkjOPQQDAjAXMRUwEwYDVQQDDAxub2RlLmV4\n"
    "YW1wbGUwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBcxFTATBgNV\n"
    "BAMMDG5vZGUuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEw96Vss\n"
    "AftNHqYX0L4Sg9+/WUyKazeM5qS9/1DriVwIn3Yhi7MjlmNuMD2CitBnXUe/FbVS\n"
    "lvatZ2jyiLWj1C+jVzBVMCMGA1UdEQQcMBqCDG5vZGUuZXhhbXBsZYcEfwAAAYcE\n"
    "CgAAAjAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBQwLfb92sBuYBArBIx+WFtU\n"
    "WZME4zAKBggqhkjOPQQDAgNHADBEAiBus3eBqWgejHUvkV5TI+/Q1aZj60dFsXtU\n"
    "GIA3HGqtFQIgMtnqlsUU6jSUDRPwxa/fb1rHUNDB9MvCYTDpN5E976Q=\n"
    "-----END CERTIFICATE-----\n";
const std::string k_key =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHJUF1x4x4+k26GBk\n"
    "HdkIW+fZABq/eFCGKcPL+h9v7GahRANCAARMPelbLAH7TR6mF9C+EoPfv1lMims3\n"
    "jOakvf9Q64lcCJ92IYuzI5ZjbjA9gorQZ11HvxW1Upb2rWdo8oi1o9Qv\n"
    "-----END PRIVATE KEY-----\n";

tls::Trust trusting() {
  return {.source = tls::Trust::Source::given, .authorities_pem = k_certificate};
}

std::unique_ptr<WebTls> web_tls(rt::Clock& clock, tls::Trust trust = trusting()) {
  return WebTls::make({.chain_pem = k_certificate, .key_pem = k_key, .trust = std::move(trust)},
                      clock)
      .value();
}

/// A host that speaks WebSocket, secure or not.
struct WsHost {
  WsHost(rt::sim::Node& node_, tls::Trust trust)
      : node(node_),
        key(crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })),
        dns(node.loop()),
        host({.key = key}, node.loop(), node.network(), node.rng()) {
    auto ws = std::make_unique<WebSocketTransport>(
        node.loop(), node.network(), node.rng(),
        WebSocketOptions{.tls = web_tls(node.clock(), std::move(trust))});
    transport = ws.get();
    host.add_transport(std::move(ws));
    host.set_resolver(std::make_unique<dns::DnsAddressResolver>(node.loop(), dns));
  }
  Multiaddr listen(const std::string& tail) {
    const auto at = Multiaddr::parse("/ip4/" + node.ip().to_string() + tail).value();
    return host.listen(at).value().with_peer(host.peer_id()).value();
  }

  rt::sim::Node& node;
  crypto::KeyPair key;
  rt::sim::TableResolver dns;
  Host host;
  WebSocketTransport* transport = nullptr;
};

struct Hosts {
  explicit Hosts(tls::Trust trust = trusting())
      : alice(world.add_node("alice"), std::move(trust)), bob(world.add_node("bob"), trusting()) {}
  ~Hosts() {
    world.run(alice.host.stop());
    world.run(bob.host.stop());
    CHECK(world.connections_open() == 0);
  }

  rt::sim::World world{21};
  WsHost alice;
  WsHost bob;
};

}  // namespace

TEST_CASE("ws hosts: connect and ping over /ws, from both sides") {
  Hosts f;
  const auto address = f.bob.listen("/tcp/4002/ws");
  REQUIRE(f.world.run(f.alice.host.connect(address)));
  CHECK(f.world.run(f.alice.host.ping(f.bob.host.peer_id())));
  CHECK(f.world.run(f.bob.host.ping(f.alice.host.peer_id())));
  CHECK(f.alice.host.peers().front().address.to_string() == "/ip4/10.0.0.2/tcp/4002/ws");
}

TEST_CASE("ws hosts: connect and ping over secure WebSocket, by address and by name") {
  Hosts f;
  const auto address = f.bob.listen("/tcp/4003/tls/ws");
  REQUIRE(f.world.run(f.alice.host.connect(address)));
  CHECK(f.world.run(f.alice.host.ping(f.bob.host.peer_id())));
  f.alice.host.disconnect(f.bob.host.peer_id());
  f.world.run_for(5s);
  f.alice.dns.add_address("node.example", f.bob.node.ip());
  const auto named =
      Multiaddr::parse("/dns4/node.example/tcp/4003/wss/p2p/" + f.bob.host.peer_id().to_string())
          .value();
  REQUIRE(f.world.run(f.alice.host.connect(named)));
  CHECK(f.world.run(f.alice.host.ping(f.bob.host.peer_id())));
  CHECK(f.alice.host.peers().front().address.to_string() ==
        "/ip4/10.0.0.2/tcp/4003/tls/sni/node.example/ws");
}

TEST_CASE("ws hosts: a certificate that is not trusted, or for another name, is refused") {
  Hosts stranger(tls::Trust{.source = tls::Trust::Source::system});
  const auto address = stranger.bob.listen("/tcp/4003/tls/ws");
  CHECK(stranger.world.run(stranger.alice.host.connect(address))
            .error()
            .is(tls::TlsError::untrusted));
  Hosts f;
  (void)f.bob.listen("/tcp/4003/tls/ws");
  const auto other = Multiaddr::parse("/ip4/10.0.0.2/tcp/4003/tls/sni/other.example/ws/p2p/" +
                                      f.bob.host.peer_id().to_string())
                         .value();
  CHECK(f.world.run(f.alice.host.connect(other)).error().is(tls::TlsError::untrusted));
}

TEST_CASE("ws hosts: a plain WebSocket client at a secure port is refused, others are served") {
  Hosts f;
  const auto address = f.bob.listen("/tcp/4003/tls/ws");
  const auto plain =
      Multiaddr::parse("/ip4/10.0.0.2/tcp/4003/ws").value().with_peer(f.bob.host.peer_id());
  CHECK_FALSE(f.world.run(f.alice.host.connect(*plain)));
  CHECK(f.bob.transport->refused() == 1);
  CHECK(f.world.run(f.alice.host.connect(address)));
}

TEST_CASE("web tls: certificate and key by file, and files that are none") {
  rt::sim::World world(1);
  auto& node = world.add_node("a");
  const auto write = [&node](std::string_view path, std::string_view text) {
    auto file = node.disk().open(path, rt::OpenMode::create).value();
    REQUIRE(file->write_at(0, as_bytes(text)));
  };
  write("cert.pem", k_certificate);
  write("key.pem", k_key);
  write("large.pem", std::string(k_pem_bytes_max + 1, 'x'));
  const auto load = [&node](std::string_view chain, std::string_view key) {
    return WebTls::from_files(node.disk(), chain, key, {}, node.clock());
  };
  const auto loaded = load("cert.pem", "key.pem");
  REQUIRE(loaded);
  CHECK((*loaded)->can_serve());
  CHECK(load("cert.pem", "none.pem").error().is(rt::RtError::not_found));
  CHECK(load("large.pem", "key.pem").error().is(rt::RtError::limit));
  CHECK(load("key.pem", "cert.pem").error().is(tls::TlsError::bad_configuration));
}
