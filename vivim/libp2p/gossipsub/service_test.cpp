// Whole hosts that gossip: meshes of twenty to fifty, churn, partitions; streams and their limits.
#include "vivim/libp2p/gossipsub/service.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/libp2p/host/tcp_transport.hpp"
#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::gossipsub;
using namespace std::chrono_literals;

namespace {

struct Node {
  explicit Node(rt::sim::Node& node_, ServiceOptions options = {})
      : node(node_),
        key(crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })),
        host({.key = key}, node.loop(), node.network(), node.rng()),
        service(host, node.loop(), node.rng(), prepared(std::move(options))),
        address(host.listen(Multiaddr::parse("/ip4/" + node.ip().to_string() + "/tcp/4001").value())
                    .value()
                    .with_peer(host.peer_id())
                    .value()) {
    REQUIRE(service.start());
  }

  ServiceOptions prepared(ServiceOptions options) {
    options.router.signer = record::Signer::of(key);
    return options;
  }
  void note(const Event& event) {
    if (const auto* it = std::get_if<Delivered>(&event)) {
      ++received[std::string(as_text(it->message->data()))];
    } else if (const auto* judge = std::get_if<ToValidate>(&event); judge != nullptr && judges) {
      // Within the event: the service must bear it.
      CHECK(service.validated(judge->message->key(), Verdict::accept));
    }
  }

  rt::sim::Node& node;
  crypto::KeyPair key;
  Host host;
  std::map<std::string, int> received;
  Service service;
  Subscription observed = service.observe([this](const Event& event) { note(event); });
  Multiaddr address;
  bool up = true;
  bool judges = true;
};

struct Mesh {
  explicit Mesh(std::size_t count, std::uint64_t seed = 5, const ServiceOptions& options = {})
      : world(seed) {
    world.set_default_link({.latency = 30ms});
    for (std::size_t i = 0; i < count; ++i) {
      nodes.push_back(std::make_unique<Node>(world.add_node("n" + std::to_string(i)), options));
    }
  }
  ~Mesh() {
    for (auto& node : nodes) {
      if (node->up) {
        stop(*node);
      }
    }
  }

  void stop(Node& node) {
    node.up = false;
    world.run(node.host.stop());
    world.run(node.service.stop());
  }
  void join(std::size_t a, std::size_t b) {
    if (a != b) {
      REQUIRE(world.run(nodes[a]->host.connect(nodes[b]->address)));
    }
  }
  void join_all() {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      for (const std::size_t step : {1U, 2U, 5U}) {
        join(i, (i + step) % nodes.size());
      }
    }
  }
  void subscribe_all(const TopicOptions& options = {}) {
    for (auto& node : nodes) {
      REQUIRE(node->service.subscribe("t", options));
    }
    world.run_for(5s);
  }
  void publish(std::size_t from, const std::string& data) {
    REQUIRE(nodes[from]->service.publish("t", as_bytes(data)));
  }
  /// How many nodes that are up got it; each once.
  std::size_t received(const std::string& data) {
    std::size_t count = 0;
    for (auto& node : nodes) {
      const auto found = node->received.find(data);
      if (node->up && found != node->received.end()) {
        CHECK(found->second == 1);
        ++count;
      }
    }
    return count;
  }

  rt::sim::World world;
  std::vector<std::unique_ptr<Node>> nodes;
};

/// A host that takes streams of gossipsub and ends them when it likes, and opens none.
struct Moody {
  explicit Moody(rt::sim::Node& node_)
      : node(node_),
        host({.key = crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })},
             node.loop(), node.network(), node.rng()) {
    CHECK(host.handle("/meshsub/1.2.0", [this](InboundStream inbound) -> rt::Co<void> {
      ++taken;
      streams.push_back(std::move(inbound.stream));
      co_return;
    }));
  }
  void end_all() {
    for (auto& stream : streams) {
      stream->reset(0);
    }
    streams.clear();
  }

  rt::sim::Node& node;
  Host host;
  std::vector<std::unique_ptr<rt::Stream>> streams;
  std::size_t taken = 0;
};

/// TCP whose connections to one port are limited, as those through a relay.
class LimitedTransport final : public Transport {
 public:
  explicit LimitedTransport(rt::Network& network) : tcp_(network) {}
  std::string_view name() const override { return "limited"; }
  bool can_dial(const Multiaddr& address) const override {
    return address.to_string().ends_with("/tcp/4002");
  }
  bool can_listen(const Multiaddr&) const override { return false; }
  Result<std::unique_ptr<TransportListener>> listen(const Multiaddr& address) override {
    return tcp_.listen(address);
  }
  rt::Co<Result<TransportConnection>> dial(Multiaddr address, DialOptions options) override {
    VIVIM_CO_TRY(auto connection, co_await tcp_.dial(std::move(address), options));
    std::get<RawConnection>(connection).limited = true;
    co_return connection;
  }
  void cancel_dials() override { tcp_.cancel_dials(); }

 private:
  TcpTransport tcp_;
};

/// Opens a stream of gossipsub that may be refused, and keeps it.
rt::Co<void> say_nothing(Host& host, PeerId to, std::vector<std::unique_ptr<rt::Stream>>* keep) {
  const std::vector<std::string> protocols{"/meshsub/1.2.0"};
  auto opened = co_await host.open_stream(to, protocols);
  if (opened) {
    keep->push_back(std::move(opened->stream));
  }
}

/// Opens a stream of gossipsub, writes `bytes` and keeps it.
rt::Co<void> say(Host& host, PeerId to, Bytes bytes,
                 std::vector<std::unique_ptr<rt::Stream>>* keep) {
  const std::vector<std::string> protocols{"/meshsub/1.2.0"};
  auto opened = co_await host.open_stream(to, protocols);
  REQUIRE(opened);
  (void)co_await opened->stream->write(bytes);
  keep->push_back(std::move(opened->stream));
}

}  // namespace

TEST_CASE("service: every message reaches every one of fifty hosts, once, and soon") {
  Mesh mesh(50);
  mesh.join_all();
  mesh.subscribe_all();
  for (std::size_t i = 0; i < 50; ++i) {
    mesh.publish(i, "from " + std::to_string(i));
  }
  mesh.world.run_for(500ms);
  for (std::size_t i = 0; i < 50; ++i) {
    CHECK(mesh.received("from " + std::to_string(i)) == 49);
  }
  const std::string text = mesh.nodes[0]->host.metrics_text();
  CHECK(text.find("libp2p_gossipsub_messages_total{what=\"delivered\"} 49") != std::string::npos);
  CHECK(text.find("libp2p_gossipsub_peers 6") != std::string::npos);
}

TEST_CASE("service: no message is lost while nodes come and go") {
  Mesh mesh(30, 8);
  mesh.join_all();
  mesh.subscribe_all();
  std::vector<std::string> sent;
  for (int round = 0; round < 12; ++round) {
    // One goes for good, without a word to its meshes; two others lose their connection.
    if (round % 2 == 0) {
      mesh.stop(*mesh.nodes[10 + static_cast<std::size_t>(round)]);
    }
    const auto other = static_cast<std::size_t>(round % 5);
    mesh.world.reset_connections(mesh.nodes[other]->node, mesh.nodes[other + 1]->node);
    sent.push_back("message " + std::to_string(round));
    mesh.publish(static_cast<std::size_t>(round % 9), sent.back());
    mesh.world.run_for(400ms);
    mesh.join(other, other + 1);
  }
  mesh.world.run_for(8s);
  for (const std::string& data : sent) {
    CHECK(mesh.received(data) == 23);
  }
}

TEST_CASE("service: what was missed in a short partition comes by gossip") {
  Mesh mesh(20, 3);
  mesh.join_all();
  mesh.subscribe_all();
  for (std::size_t i = 0; i < 20; ++i) {
    if (i != 7) {
      mesh.world.partition(mesh.nodes[7]->node, mesh.nodes[i]->node);
    }
  }
  mesh.publish(0, "meanwhile");
  mesh.world.run_for(1s);
  CHECK(mesh.received("meanwhile") == 18);
  mesh.world.heal_all();
  mesh.world.run_for(5s);
  CHECK(mesh.received("meanwhile") == 19);
}

TEST_CASE("service: large messages pass, and IDONTWANT spares some of them") {
  Mesh mesh(20, 4);
  mesh.join_all();
  mesh.subscribe_all({.validate = true});
  const std::string large(500'000, 'x');
  mesh.publish(0, large);
  mesh.world.run_for(3s);
  CHECK(mesh.received(large) == 19);
  std::uint64_t told = 0;
  for (auto& node : mesh.nodes) {
    told += node->service.router().stats().idontwant_sent;
  }
  CHECK(told > 0);
}

TEST_CASE(
    "service: when the last who judges a topic has left it, the others hear it all the same") {
  Mesh mesh(3, 8);
  mesh.join(0, 1);
  mesh.join(1, 2);  // the one between them passes on what it hears
  auto& middle = *mesh.nodes[1];
  middle.judges = false;  // whoever judged is gone, and says nothing more
  REQUIRE(middle.service.subscribe("t"));
  REQUIRE(middle.service.subscribe("t", {.validate = true}));
  REQUIRE(middle.service.subscribe("t", {.validate = true}));
  REQUIRE(middle.service.subscribe("t"));
  for (const std::size_t end : {0U, 2U}) {
    REQUIRE(mesh.nodes[end]->service.subscribe("t"));
  }
  mesh.world.run_for(3s);
  middle.service.unsubscribe("t", Service::Role::judges);
  mesh.publish(0, "with a judge left");
  mesh.world.run_for(3s);
  CHECK(mesh.received("with a judge left") == 0);
  middle.service.unsubscribe("t", Service::Role::judges);
  mesh.publish(0, "without");
  mesh.world.run_for(3s);
  CHECK(mesh.received("without") == 2);
  middle.service.unsubscribe("t");
  CHECK(middle.service.router().subscribed("t"));
  middle.service.unsubscribe("t");
  CHECK_FALSE(middle.service.router().subscribed("t"));
}

TEST_CASE("service: a peer that is connected later, and one that restarts gossip, join in") {
  Mesh mesh(3, 6);
  for (auto& node : mesh.nodes) {
    REQUIRE(node->service.subscribe("t"));
  }
  mesh.join(0, 1);
  mesh.world.run_for(2s);
  mesh.join(1, 2);
  mesh.world.run_for(3s);
  mesh.publish(0, "one");
  mesh.world.run_for(1s);
  CHECK(mesh.received("one") == 2);
  CHECK(mesh.nodes[1]->service.router().mesh_peers("t").size() == 2);
}

TEST_CASE("service: when a connection ends, so does all that was known of the peer") {
  Mesh mesh(2, 7);
  mesh.join(0, 1);
  mesh.subscribe_all();
  CHECK(mesh.nodes[0]->service.router().peers() == 1);
  mesh.nodes[0]->host.disconnect(mesh.nodes[1]->host.peer_id());
  mesh.world.run_for(1s);
  CHECK(mesh.nodes[0]->service.router().peers() == 0);
  CHECK(mesh.nodes[1]->service.router().peers() == 0);
  mesh.join(1, 0);
  mesh.world.run_for(15s);
  mesh.publish(0, "again");
  mesh.world.run_for(1s);
  CHECK(mesh.received("again") == 1);
}

TEST_CASE("service: observers may go, and come, while an event is told") {
  Mesh mesh(2, 12);
  mesh.join(0, 1);
  Service& service = mesh.nodes[1]->service;
  int first = 0;
  int second = 0;
  Subscription late;
  Subscription leaving = service.observe([&](const Event&) {
    ++first;
    leaving = {};
    late = service.observe([&second](const Event&) { ++second; });
  });
  mesh.subscribe_all();
  CHECK(first == 1);
  CHECK(second > 0);
}

TEST_CASE("service: an explicit peer that is away is dialled") {
  Mesh mesh(2, 9);
  auto& known = mesh.nodes[0]->host;
  known.peer_store().add_address(mesh.nodes[1]->host.peer_id(),
                                 mesh.nodes[1]->address.without_peer(),
                                 peerstore::Source::configured, peerstore::k_ttl_permanent,
                                 peerstore::Time(mesh.nodes[0]->node.loop().clock().wall_now_ms()));
  mesh.nodes[0]->service.add_explicit_peer(mesh.nodes[1]->host.peer_id());
  mesh.subscribe_all();
  CHECK(mesh.nodes[0]->service.router().peers() == 1);
  mesh.publish(0, "hello");
  mesh.world.run_for(1s);
  CHECK(mesh.received("hello") == 1);
}

TEST_CASE("hostile: broken and oversized RPCs end the stream, streams of a peer are bounded") {
  Mesh mesh(3, 10);
  mesh.join_all();
  mesh.subscribe_all();
  Host& attacker = mesh.nodes[1]->host;
  const PeerId victim = mesh.nodes[0]->host.peer_id();
  std::vector<std::unique_ptr<rt::Stream>> streams;
  mesh.world.run(say(attacker, victim, delimited(Bytes{0x0a}), &streams));
  mesh.world.run(say(attacker, victim, Bytes{0xff, 0xff, 0xff, 0x7f}, &streams));
  mesh.world.run_for(1s);
  CHECK(mesh.nodes[0]->service.router().stats().malformed == 1);
  for (auto& stream : streams) {
    std::array<std::uint8_t, 1> byte{};
    CHECK_FALSE(mesh.world.run(stream->read_some(byte)));
  }
  for (int i = 0; i < 20; ++i) {
    mesh.world.run(say(attacker, victim, Bytes{0x05}, &streams));
  }
  mesh.world.run_for(1s);
  std::size_t open = 0;
  for (const PeerInfo& peer : mesh.nodes[0]->host.peers()) {
    open += peer.id == attacker.peer_id() ? peer.streams : 0;
  }
  CHECK(open <= 4);
  mesh.publish(2, "still");
  mesh.world.run_for(2s);
  CHECK(mesh.nodes[0]->received.contains("still"));
}

TEST_CASE("hostile: of streams that are opened together, as many are read as of others") {
  Mesh mesh(1, 13);
  Moody moody(mesh.world.add_node("moody"));
  REQUIRE(mesh.world.run(moody.host.connect(mesh.nodes[0]->address)));
  std::vector<std::unique_ptr<rt::Stream>> streams;
  rt::TaskGroup tasks(moody.node.loop());
  // All are there before the stream to it is, and none of them is read until then.
  for (int i = 0; i < 20; ++i) {
    tasks.spawn("burst", say_nothing(moody.host, mesh.nodes[0]->host.peer_id(), &streams));
  }
  mesh.world.run_for(5s);
  std::size_t open = 0;
  for (const PeerInfo& peer : mesh.nodes[0]->host.peers()) {
    open += peer.streams;
  }
  CHECK(open <= 4);
  streams.clear();
  mesh.world.run(tasks.stop());
  mesh.world.run(moody.host.stop());
}

TEST_CASE("service: a peer whose stream ends now and then stays a peer") {
  Mesh mesh(1, 14);
  Moody moody(mesh.world.add_node("moody"));
  REQUIRE(mesh.world.run(moody.host.connect(mesh.nodes[0]->address)));
  for (std::size_t i = 1; i < 10; ++i) {
    mesh.world.run_for(70s);
    CHECK(moody.taken == i);
    CHECK(mesh.nodes[0]->service.router().peers() == 1);
    moody.end_all();
  }
  // One that ends them at once is given up.
  for (std::size_t i = 0; i < 20; ++i) {
    mesh.world.run_for(2s);
    moody.end_all();
  }
  CHECK(moody.taken <= 9 + 5);
  mesh.world.run(moody.host.stop());
}

TEST_CASE("service: a peer whose last connection is a limited one is forgotten with it") {
  rt::sim::World world(15);
  Moody moody(world.add_node("moody"));
  const std::string at = "/ip4/" + moody.node.ip().to_string() + "/tcp/";
  const Multiaddr direct = moody.host.listen(Multiaddr::parse(at + "4001").value()).value();
  const Multiaddr limited = moody.host.listen(Multiaddr::parse(at + "4002").value()).value();
  rt::sim::Node& node = world.add_node("n");
  HostOptions options{
      .key = crypto::KeyPair::generate([&node](MutableBytes out) { node.rng().fill(out); })};
  options.transports.push_back(std::make_unique<LimitedTransport>(node.network()));
  options.transports.push_back(std::make_unique<TcpTransport>(node.network()));
  Host host(std::move(options), node.loop(), node.network(), node.rng());
  bool last_was_limited = false;
  const Subscription watching = host.subscribe([&last_was_limited](const HostEvent& event) {
    if (event.kind == HostEvent::Kind::disconnected) {
      last_was_limited = event.limited && event.connections_left == 0;
    }
  });
  Service service(host, node.loop(), node.rng(), {});
  REQUIRE(service.start());
  const PeerId peer = moody.host.peer_id();
  REQUIRE(world.run(host.connect(peer, {direct})));
  REQUIRE(world.run(host.connect(peer, {limited}, {.force_new = true})));
  world.run_for(1s);
  CHECK(service.connected() == 1);
  host.disconnect(peer);
  world.run_for(1s);
  REQUIRE(last_was_limited);
  CHECK(service.connected() == 0);
  for (Host* each : {&host, &moody.host}) {
    world.run(each->stop());
  }
  world.run(service.stop());
}
