// Clients and a rendezvous point, as whole hosts.
#include <doctest/doctest.h>

#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/libp2p/rendezvous/client.hpp"
#include "vivim/libp2p/rendezvous/rendezvous_test_detail.hpp"
#include "vivim/libp2p/rendezvous/server.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::rendezvous;
using namespace vivim::libp2p::rendezvous::test;
using namespace std::chrono_literals;

namespace {

struct ClientNode : NodeHost {
  explicit ClientNode(rt::sim::Node& at)
      : NodeHost(at), client(host, node.loop(), record::Signer::of(key), 10s), address(listen()) {}

  Client client;
  Multiaddr address;
};

struct Clients {
  explicit Clients(ServerOptions options = {})
      : server(point.host, point.node.loop(), point.node.rng(), options) {
    REQUIRE(server.status());
    REQUIRE(world.run(alice.host.connect(point.address)));
    REQUIRE(world.run(bob.host.connect(point.address)));
  }
  ~Clients() {
    world.run(alice.host.stop());
    world.run(bob.host.stop());
    world.run(point.host.stop());
  }
  PeerId at() const { return point.host.peer_id(); }
  std::string point_text() const { return point.host.metrics_text(); }

  rt::sim::World world{31};
  ClientNode alice{world.add_node("alice")};
  ClientNode bob{world.add_node("bob")};
  ClientNode point{world.add_node("point")};
  Server server;
};

/// A point that only knows the older form of records, and hangs up on others.
rt::Co<void> old_point(InboundStream inbound) {
  DelimitedReader reader(k_request_bytes_max);
  const auto body = co_await read_message(*inbound.stream, reader);
  const auto message = body ? decode(*body) : Result<Message>(fail(body.error()));
  const auto* request = message ? std::get_if<Register>(&*message) : nullptr;
  if (request == nullptr || record::open_peer_record(request->record)) {
    inbound.stream->reset(0);
    co_return;
  }
  const Bytes answer = delimited(encode(Message(RegisterResponse{.ttl = 60})));
  if (co_await inbound.stream->write(answer)) {
    (void)co_await inbound.stream->close_write();
  }
}

rt::Co<void> say(Host& host, PeerId to, Bytes bytes, std::size_t times,
                 std::vector<std::unique_ptr<rt::Stream>>* keep) {
  const std::vector<std::string> protocols{std::string(k_protocol_id)};
  auto opened = co_await host.open_stream(to, protocols);
  REQUIRE(opened);
  for (std::size_t i = 0; i < times; ++i) {
    if (!bytes.empty() && !co_await opened->stream->write(bytes)) {
      co_return;
    }
  }
  if (keep != nullptr) {
    keep->push_back(std::move(opened->stream));
  }
}

}  // namespace

TEST_CASE("rendezvous: two peers meet at a point") {
  Clients f;
  CHECK(f.world.run(f.alice.client.enroll(f.at(), "chat", 1h)).value() == 1h);
  const auto found = f.world.run(f.bob.client.discover(f.at(), {.ns = "chat"}));
  REQUIRE(found);
  REQUIRE(found->peers.size() == 1);
  CHECK(found->peers[0].peer == f.alice.host.peer_id());
  CHECK(found->peers[0].addresses == std::vector{f.alice.address.without_peer()});
  REQUIRE(f.world.run(f.bob.host.connect(found->peers[0].peer, found->peers[0].addresses)));
  REQUIRE(f.world.run(f.alice.client.leave(f.at(), "chat")));
  f.world.run_for(1s);
  CHECK(f.world.run(f.bob.client.discover(f.at(), {.ns = "chat"}))->peers.empty());
  CHECK(f.server.requests() == 4);
}

TEST_CASE("rendezvous: refusals reach the client") {
  Clients f;
  const auto long_ttl = f.world.run(f.alice.client.enroll(f.at(), "chat", 100h));
  CHECK(long_ttl.error().is(RendezvousError::refused));
  CHECK(long_ttl.error().detail() == 102);
  CHECK(f.world.run(f.alice.client.enroll(f.at(), ""))
            .error()
            .is(RendezvousError::invalid_namespace));
  CHECK(
      f.world.run(f.alice.client.leave(f.at(), "")).error().is(RendezvousError::invalid_namespace));
  CHECK(f.world.run(f.bob.client.discover(f.at(), {.ns = std::string(256, 'x')}))
            .error()
            .is(RendezvousError::invalid_namespace));
}

TEST_CASE("rendezvous: a point that only reads records of the older form gets one") {
  Clients f;
  REQUIRE(f.bob.host.handle(std::string(k_protocol_id), old_point));
  REQUIRE(f.world.run(f.alice.host.connect(f.bob.address)));
  CHECK(f.world.run(f.alice.client.enroll(f.bob.host.peer_id(), "chat")).value() == 60s);
  Client legacy(f.alice.host, f.alice.node.loop(), record::Signer::of(f.alice.key), 10s,
                RecordForm::legacy);
  CHECK(f.world.run(legacy.enroll(f.bob.host.peer_id(), "chat")).value() == 60s);
  REQUIRE(f.world.run(legacy.enroll(f.at(), "chat")));
  const auto found = f.world.run(f.bob.client.discover(f.at(), {.ns = "chat"}));
  REQUIRE(found);
  CHECK(found->peers.size() == 1);
}

TEST_CASE(
    "hostile: malformed, oversized and unexpected requests end the stream, others are served") {
  Clients f;
  const auto attack = [&f](const Bytes& bytes, std::size_t times = 1) {
    std::vector<std::unique_ptr<rt::Stream>> streams;
    f.world.run(say(f.alice.host, f.at(), bytes, times, &streams));
    f.world.run_for(1s);
  };
  attack(delimited(Bytes{0xff}));
  CHECK(f.server.refused() == 1);
  attack(Bytes{0xff, 0xff, 0x7f});
  CHECK(f.server.refused() == 2);
  attack(delimited(encode(Message(RegisterResponse{}))));
  CHECK(f.server.refused() == 3);
  attack(delimited(encode(Message(Unregister{.ns = "x"}))), 100);
  CHECK(f.server.refused() == 4);
  CHECK(f.point_text().find(R"(libp2p_rendezvous_refused_total{status="broken"} 4)") !=
        std::string::npos);
  CHECK(f.world.run(f.bob.client.enroll(f.at(), "chat")));
}

TEST_CASE("hostile: silent streams are bounded and end in time") {
  Clients f({.streams_per_peer_max = 3, .message_max = 5s});
  std::vector<std::unique_ptr<rt::Stream>> streams;
  for (int i = 0; i < 5; ++i) {
    f.world.run(say(f.alice.host, f.at(), {}, 0, &streams));
  }
  f.world.run_for(1s);
  CHECK(f.server.refused() == 2);
  CHECK(f.world.run(f.bob.client.enroll(f.at(), "chat")));
  f.world.run_for(6s);
  CHECK(f.server.refused() == 5);
  CHECK(f.point_text().find(R"(libp2p_rendezvous_refused_total{status="too_many_streams"} 2)") !=
        std::string::npos);
  CHECK(f.world.run(f.alice.client.enroll(f.at(), "chat")));
}
