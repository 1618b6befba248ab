#include "vivim/libp2p/mdns/service.hpp"

#include <doctest/doctest.h>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/rng.hpp"
#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace vivim::libp2p::mdns;
using namespace std::chrono_literals;

namespace {

PeerId random_peer(rt::Rng& rng) {
  return PeerId::of(crypto::KeyPair::generate([&rng](MutableBytes out) { rng.fill(out); }));
}

/// A node that announces itself.
struct Node {
  Node(rt::Loop& loop, rt::Network& network, rt::Rng& rng, const std::string& at,
       std::vector<rt::IpAddress> interfaces = {})
      : self(random_peer(rng)),
        service(loop, network, rng,
                {.self = self,
                 .addresses = [at] { return std::vector{Multiaddr::parse(at).value()}; },
                 .observer = [this](const Event& event) { events.push_back(event); },
                 .interfaces = std::move(interfaces),
                 .query_interval_max = 60s}) {}

  std::size_t count(Event::Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count(events, kind, &Event::kind));
  }

  PeerId self;
  std::vector<Event> events;
  Service service;
};

}  // namespace

TEST_CASE("mdns service: three nodes of one network find each other, and notice who leaves") {
  rt::sim::World world(4);
  std::vector<std::unique_ptr<Node>> nodes;
  for (const char* name : {"a", "b", "c"}) {
    auto& node = world.add_node(name);
    nodes.push_back(std::make_unique<Node>(node.loop(), node.network(), node.rng(),
                                           "/ip4/" + node.ip().to_string() + "/tcp/4001"));
    REQUIRE(nodes.back()->service.start());
    world.run_for(700ms);
  }
  world.run_for(5s);
  for (const auto& node : nodes) {
    CHECK(node->service.peers() == 2);
    CHECK(node->count(Event::Kind::discovered) == 2);
  }
  world.run(nodes[2]->service.stop());
  world.run_for(1s);
  CHECK(nodes[0]->count(Event::Kind::expired) == 1);
  CHECK(nodes[1]->service.peers() == 1);
  world.run(nodes[0]->service.stop());
  world.run(nodes[1]->service.stop());
}

TEST_CASE("mdns service: nodes that share only IPv6 find each other over it") {
  rt::sim::World world(6);
  std::vector<std::unique_ptr<Node>> nodes;
  for (const char* name : {"a", "b"}) {
    auto& node = world.add_node(name);
    const auto all = node.network().interfaces().value();
    const auto v6 = std::ranges::find_if(all, [](const auto& ip) { return ip.is_v6; });
    REQUIRE(v6 != all.end());
    nodes.push_back(std::make_unique<Node>(node.loop(), node.network(), node.rng(),
                                           "/ip6/" + v6->to_string() + "/tcp/4001",
                                           std::vector{*v6}));
    REQUIRE(nodes.back()->service.start());
  }
  world.run_for(5s);
  for (const auto& node : nodes) {
    REQUIRE(node->count(Event::Kind::discovered) == 1);
    CHECK(node->events.front().source.is_v6);
  }
  for (const auto& node : nodes) {
    world.run(node->service.stop());
  }
}

TEST_CASE("hostile: mDNS that was not sent to the group is not heard") {
  rt::sim::World world(5);
  auto& sim_node = world.add_node("a");
  Node node(sim_node.loop(), sim_node.network(), sim_node.rng(), "/ip4/10.0.0.1/tcp/4001");
  REQUIRE(node.service.start());
  auto& far = world.add_node("far");
  const auto liar = random_peer(far.rng());
  const Bytes lie = encode_answer(
      {.service = std::string(k_service),
       .peer_name = "liar",
       .ttl = 120,
       .texts = {"dnsaddr=/ip4/" + far.ip().to_string() + "/tcp/1/p2p/" + liar.to_string()}});
  auto socket = far.network().open_datagram({.ip = far.ip(), .port = 0}, {}).value();
  REQUIRE(world.run(socket->send({.ip = sim_node.ip(), .port = k_port}, lie)));
  world.run_for(1s);
  CHECK(node.events.empty());
  REQUIRE(world.run(socket->send({.ip = rt::IpAddress::v4(224, 0, 0, 251), .port = k_port}, lie)));
  world.run_for(1s);
  CHECK(node.count(Event::Kind::discovered) == 1);
  socket->close();
  world.run(node.service.stop());
}

namespace {

rt::Co<void> meet(rt::asio_::Loop& loop, Node& a, Node& b) {
  const auto until = loop.clock().now() + 5s;
  while (loop.clock().now() < until && (a.service.peers() == 0 || b.service.peers() == 0)) {
    co_await rt::sleep_for(loop, 20ms);
  }
  co_await a.service.stop();
  co_await b.service.stop();
}

}  // namespace

TEST_CASE("mdns service: two nodes over real multicast") {
  rt::asio_::Loop loop;
  rt::asio_::TcpNetwork network(loop);
  rt::asio_::SystemRng rng;
  Node a(loop, network, rng, "/ip4/127.0.0.1/tcp/4001");
  Node b(loop, network, rng, "/ip4/127.0.0.1/tcp/4002");
  const auto started = a.service.start();
  if (!started) {
    MESSAGE("skipped: this machine has no multicast: ", started.error().message());
    return;
  }
  REQUIRE(b.service.start());
  loop.run(meet(loop, a, b));
  if (a.events.empty() && b.events.empty()) {
    MESSAGE("skipped: multicast does not come back on this machine");
    return;
  }
  const auto found = [](const Node& node, const PeerId& peer) {
    return std::ranges::any_of(node.events, [&](const Event& e) { return e.peer == peer; });
  };
  CHECK(found(a, b.self));
  CHECK(found(b, a.self));
}
