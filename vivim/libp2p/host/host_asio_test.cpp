// Two hosts over real sockets on the loopback interface.
#include "vivim/libp2p/host/host_test_detail.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/rng.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::test;

namespace {

struct RealHost {
  explicit RealHost(rt::asio_::Loop& loop)
      : network(loop),
        key(crypto::KeyPair::generate(crypto::os_random)),
        host({.key = key}, loop, network, rng) {
    CHECK(host.handle(std::string(k_echo), echo));
    address = host.listen(Multiaddr::parse("/ip4/127.0.0.1/tcp/0").value())
                  .value()
                  .with_peer(host.peer_id())
                  .value();
  }
  rt::asio_::SystemRng rng;
  rt::asio_::TcpNetwork network;
  crypto::KeyPair key;
  Host host;
  Multiaddr address;
};

rt::Co<void> converse(rt::asio_::Loop& loop, RealHost& a, RealHost& b) {
  const auto peer = co_await a.host.connect(b.address);
  REQUIRE(peer);
  CHECK(*peer == b.host.peer_id());
  CHECK(co_await a.host.ping(*peer));
  CHECK(co_await b.host.ping(a.host.peer_id()));
  Bytes sent(std::size_t{16} * 1024 * 1024);
  a.rng.fill(sent);
  const auto received = co_await echo_once(a.host, loop, *peer, sent);
  REQUIRE(received);
  CHECK(*received == sent);
  co_await a.host.stop();
  co_await b.host.stop();
}

rt::Co<void> refuse(RealHost& a, RealHost& b) {
  const auto wrong = b.address.without_peer().with_peer(a.host.peer_id()).value();
  CHECK((co_await a.host.connect(wrong)).error().is(HostError::self_dial));
  co_await b.host.stop();
  CHECK((co_await a.host.connect(b.address)).error().is(rt::RtError::refused));
  co_await a.host.stop();
}

std::vector<std::string> places(const Host& host) {
  std::vector<std::string> all;
  for (const auto& info : host.peers()) {
    all.push_back(info.address.to_string());
  }
  return all;
}

/// Two connections from one port to one place cannot be.
rt::Co<void> share_a_port(RealHost& a, RealHost& b) {
  const ConnectOptions from_port{.force_new = true, .port = PortUse::shared};
  const auto listening = a.address.without_peer().to_string();
  REQUIRE(co_await a.host.connect(b.host.peer_id(), {b.address}, from_port));
  REQUIRE(co_await a.host.ping(b.host.peer_id()));
  CHECK(places(b.host) == std::vector{listening});
  REQUIRE(co_await a.host.connect(b.host.peer_id(), {b.address}, from_port));
  REQUIRE(co_await a.host.ping(b.host.peer_id()));
  REQUIRE(places(b.host).size() == 2);
  CHECK(std::ranges::count(places(b.host), listening) == 1);
  // Nor a moment after it ended.
  for (int i = 0; i < 3; ++i) {
    a.host.disconnect(b.host.peer_id());
    REQUIRE(co_await a.host.connect(b.host.peer_id(), {b.address}, from_port));
    REQUIRE(co_await a.host.ping(b.host.peer_id()));
  }
  co_await a.host.stop();
  co_await b.host.stop();
}

}  // namespace

TEST_CASE(
    "host over TCP: a port that is taken between two ends costs nothing: another is dialled from") {
  rt::asio_::Loop loop;
  RealHost a(loop);
  RealHost b(loop);
  loop.run(share_a_port(a, b));
}

TEST_CASE("host over TCP: connect, ping, sixteen megabytes, stop") {
  rt::asio_::Loop loop;
  RealHost a(loop);
  RealHost b(loop);
  loop.run(converse(loop, a, b));
}

TEST_CASE("host over TCP: refusals") {
  rt::asio_::Loop loop;
  RealHost a(loop);
  RealHost b(loop);
  loop.run(refuse(a, b));
}
