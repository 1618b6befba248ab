// Hosts in simulation ask each other whether they can be reached.
#include <doctest/doctest.h>

#include "vivim/libp2p/autonat/autonat_test_detail.hpp"
#include "vivim/libp2p/autonat/client.hpp"
#include "vivim/libp2p/autonat/server.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::autonat;
using namespace vivim::libp2p::autonat::test;
using namespace std::chrono_literals;
using rt::sim::NatOptions;
using rt::sim::World;

namespace {

struct Peer {
  explicit Peer(rt::sim::Node& node_, const char* listen = "/tcp/4001", HostLimits limits = {},
                HostTimes times = {})
      : node(node_),
        key(crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })),
        host({.key = key, .agent = "test", .limits = limits, .times = times}, node.loop(),
             node.network(), node.rng()) {
    if (listen != nullptr) {
      address = host.listen(Multiaddr::parse("/ip4/" + node.ip().to_string() + listen).value())
                    .value()
                    .with_peer(host.peer_id())
                    .value();
    }
  }
  rt::sim::Node& node;
  crypto::KeyPair key;
  Host host;
  Multiaddr address;
};

struct Server {
  explicit Server(World& world, AutonatServerOptions options = {.scope = Scope::any},
                  HostLimits dialer_limits = {})
      : peer(world.add_node("server")),
        dialer(peer.node, nullptr, dialer_limits, {.dial_max = k_dial_back_time_max}),
        server(peer.host, dialer.host, peer.node.rng(), options) {
    CHECK(server.start());
  }
  void stop(World& world) {
    world.run(server.stop());
    world.run(dialer.host.stop());
    world.run(peer.host.stop());
  }
  PeerId id() const { return peer.host.peer_id(); }

  Peer peer;
  Peer dialer;
  AutonatServer server;
};

struct Client {
  explicit Client(rt::sim::Node& node, AutonatClientOptions options = {})
      : peer(node), client(peer.host, node.rng(), with_defaults(std::move(options))) {}

  AutonatClientOptions with_defaults(AutonatClientOptions options) {
    options.scope = Scope::any;
    options.addresses = [this] { return addresses.empty() ? own() : addresses; };
    options.on_change = [this](const AddressReachability& change) { changes.push_back(change); };
    return options;
  }
  std::vector<Multiaddr> own() const { return peer.host.listen_addresses(); }
  void stop(World& world) {
    world.run(peer.host.stop());
    world.run(client.stop());
  }
  /// Connects from the port that it listens on, as one who wants holes punched does.
  void meet(World& world, const Server& server) {
    const ConnectOptions options{.port = PortUse::shared};
    REQUIRE(world.run(peer.host.connect(server.id(), {server.peer.address}, options)));
    world.run_for(1s);
  }
  Result<Finding> ask(World& world, const Server& server) {
    return world.run(client.ask(server.id()));
  }
  /// Where the server sees us.
  Multiaddr seen_by(const Server& server) const {
    for (const auto& info : server.peer.host.peers()) {
      if (info.id == peer.host.peer_id()) {
        return info.address;
      }
    }
    return {};
  }

  std::vector<Multiaddr> addresses;
  std::vector<AddressReachability> changes;
  Peer peer;
  AutonatClient client;
};

/// Answers a dial request without dialling.
rt::Co<void> lie(InboundStream inbound) {
  DelimitedReader reader(k_message_bytes_max);
  (void)co_await read_message(*inbound.stream, reader);
  const v2::DialResponse response{v2::ResponseStatus::ok, 0, v2::DialStatus::ok};
  const Bytes bytes = delimited(v2::encode(response));
  (void)co_await inbound.stream->write(bytes);
  (void)co_await inbound.stream->close_write();
}

rt::Co<Result<Bytes>> speak(Host& host, PeerId peer, std::string protocol, Bytes bytes) {
  VIVIM_CO_TRY(auto opened, co_await host.open_stream(peer, std::span(&protocol, 1)));
  VIVIM_CO_TRYV(co_await opened.stream->write(bytes));
  DelimitedReader reader(k_message_bytes_max);
  co_return co_await read_message(*opened.stream, reader);
}

}  // namespace

TEST_CASE("autonat: v2: who can be reached learns it") {
  World world(1);
  Server server(world);
  Client client(world.add_node("client"));
  REQUIRE(client.client.start());
  client.meet(world, server);
  const auto finding = client.ask(world, server);
  REQUIRE(finding);
  CHECK(*finding == Finding{client.peer.address.without_peer(), true});
  CHECK(server.server.stats().reached >= 1);
  CHECK(server.server.stats().data_bytes == 0);
  world.run_for(5s);
  // The connections of the dial back are gone, the first one is there.
  CHECK(client.peer.host.peers().size() == 1);
  CHECK(server.dialer.host.peers().empty());
  client.stop(world);
  server.stop(world);
}

TEST_CASE("autonat: v2: who is behind a NAT learns it, and who is behind an open one") {
  const auto reachable = [](NatOptions nat) {
    World world(1);
    Server server(world);
    auto& node = world.add_node("client");
    world.put_behind_nat(node, nat);
    Client client(node);
    REQUIRE(client.client.start());
    client.meet(world, server);
    client.addresses = {client.seen_by(server)};
    const auto finding = client.ask(world, server);
    REQUIRE(finding);
    CHECK(finding->address == client.addresses.front());
    client.stop(world);
    server.stop(world);
    return finding->reachable;
  };
  CHECK_FALSE(reachable(NatOptions::port_restricted()));
  CHECK_FALSE(reachable(NatOptions::symmetric()));
  CHECK(reachable(NatOptions::full_cone()));
}

TEST_CASE("autonat: an address that lets nobody in is given up before the asker stops to wait") {
  constexpr auto k_patience_of_others = 10s;  // rust-libp2p's
  World world(1);
  Server server(world);
  auto& node = world.add_node("client");
  world.put_behind_nat(node, NatOptions::port_restricted());
  Client client(node);
  REQUIRE(client.client.start());
  client.meet(world, server);
  client.addresses = {client.seen_by(server)};
  const auto begin = world.now();
  const auto finding = client.ask(world, server);
  const auto took = world.now() - begin;
  REQUIRE(finding);
  CHECK_FALSE(finding->reachable);
  CHECK(took >= k_dial_back_time_max);
  CHECK(took + AutonatServerOptions().foreign_wait_max < k_patience_of_others);
  client.stop(world);
  server.stop(world);
}

TEST_CASE("autonat: v2: another address than the one we come from costs data") {
  World world(1);
  Server server(world);
  Client client(world.add_node("client"));
  REQUIRE(client.client.start());
  const auto six = client.peer.host.listen(Multiaddr::parse("/ip6/fd00::2/tcp/4001").value());
  REQUIRE(six);
  client.addresses = {*six};
  client.meet(world, server);
  const auto finding = client.ask(world, server);
  REQUIRE(finding);
  CHECK(*finding == Finding{*six, true});
  CHECK(server.server.stats().data_bytes >= k_dial_data_bytes_min);
  client.stop(world);
  server.stop(world);
}

TEST_CASE("autonat: amplification: who pays nothing makes nobody dial") {
  World world(1);
  Server server(world);
  Client client(world.add_node("client"));
  Peer victim(world.add_node("victim"));
  std::size_t knocks = 0;
  const auto watch = victim.host.subscribe([&knocks](const HostEvent&) { ++knocks; });
  client.meet(world, server);
  const Bytes request = delimited(
      v2::encode(v2::DialRequest{.addresses = {victim.address.without_peer()}, .nonce = 1}));
  const auto answer = world.run(
      speak(client.peer.host, server.id(), std::string(k_dial_request_protocol_id), request));
  REQUIRE(answer);
  CHECK(std::holds_alternative<v2::DialDataRequest>(v2::decode(*answer).value()));
  world.run_for(1min);
  CHECK(knocks == 0);
  CHECK(server.server.stats().unreached == 0);
  // v1 refuses it whatever is paid.
  const Bytes v1_request = delimited(v1::encode(
      v1::Dial{.peer = client.peer.host.peer_id(), .addresses = {victim.address.without_peer()}}));
  const auto v1_answer =
      world.run(speak(client.peer.host, server.id(), std::string(k_v1_protocol_id), v1_request));
  REQUIRE(v1_answer);
  CHECK(std::get<v1::DialResponse>(v1::decode(*v1_answer).value()).status ==
        v1::Status::dial_refused);
  CHECK(knocks == 0);
  client.stop(world);
  world.run(victim.host.stop());
  server.stop(world);
}

TEST_CASE("autonat: v1: with servers that speak nothing newer") {
  for (const bool behind_nat : {false, true}) {
    World world(1);
    Server server(world);
    server.peer.host.unhandle(std::string(k_dial_request_protocol_id));
    auto& node = world.add_node("client");
    if (behind_nat) {
      world.put_behind_nat(node, NatOptions::port_restricted());
    }
    Client client(node, {.reachability = {.confidence_min = 1}});
    client.meet(world, server);
    if (behind_nat) {
      client.addresses = {client.seen_by(server)};
    }
    const auto finding = client.ask(world, server);
    REQUIRE(finding);
    CHECK(finding->reachable == !behind_nat);
    REQUIRE(client.changes.size() == 1);
    CHECK(client.changes[0].reachability ==
          (behind_nat ? Reachability::private_ : Reachability::public_));
    client.stop(world);
    server.stop(world);
  }
}

namespace {

/// A v1 server that reached the first address, and says whom it reached there.
rt::Co<void> say_whom(InboundStream inbound) {
  DelimitedReader reader(k_message_bytes_max);
  const auto bytes = co_await read_message(*inbound.stream, reader);
  REQUIRE(bytes);
  const auto request = v1::decode(*bytes);
  REQUIRE(request);
  const auto& dial = std::get<v1::Dial>(*request);
  const Bytes answer = delimited(v1::encode(
      v1::DialResponse{.status = v1::Status::ok,
                       .address = dial.addresses.front().with_peer(inbound.peer).value()}));
  CHECK(co_await inbound.stream->write(answer));
  (void)co_await inbound.stream->close_write();
}

}  // namespace

TEST_CASE("autonat: v1: a server that names the peer with the address, as rust-libp2p does") {
  World world(1);
  Server server(world);
  server.peer.host.unhandle(std::string(k_dial_request_protocol_id));
  CHECK(server.peer.host.handle(std::string(k_v1_protocol_id), say_whom));
  Client client(world.add_node("client"), {.reachability = {.confidence_min = 1}});
  client.meet(world, server);
  const auto finding = client.ask(world, server);
  REQUIRE(finding);
  CHECK(finding->reachable);
  client.stop(world);
  server.stop(world);
}

TEST_CASE("autonat: a node asks by itself until it knows") {
  World world(1);
  Server first(world);
  Server second(world);
  Server third(world);
  Client client(world.add_node("client"));
  REQUIRE(client.client.start());
  for (const Server* const server : {&first, &second, &third}) {
    client.meet(world, *server);
  }
  CHECK(world.run_until([&] { return !client.changes.empty(); }, 10min));
  CHECK(client.changes[0].reachability == Reachability::public_);
  CHECK(client.changes[0].confidence == 3);
  const auto asked = first.server.stats().requests;
  world.run_for(30min);
  CHECK(first.server.stats().requests <= asked + 3);  // it rests now
  client.stop(world);
  for (Server* const server : {&first, &second, &third}) {
    server->stop(world);
  }
}

TEST_CASE("autonat: a server that claims what it did not do is not believed") {
  World world(1);
  Server server(world);
  Client client(world.add_node("client"));
  CHECK(server.peer.host.handle(std::string(k_dial_request_protocol_id), lie));
  client.meet(world, server);
  CHECK(client.ask(world, server).error().is(AutonatError::not_confirmed));
  CHECK(client.changes.empty());
  client.stop(world);
  server.stop(world);
}

TEST_CASE("autonat: a nonce that nobody asked for is refused; broken requests are") {
  World world(1);
  Server server(world);
  Client client(world.add_node("client"));
  REQUIRE(client.client.start());
  client.meet(world, server);
  world.run_for(20s);  // what it asks by itself has been answered
  const auto id = client.peer.host.peer_id();
  const std::string back(k_dial_back_protocol_id);
  CHECK_FALSE(world.run(speak(server.peer.host, id, back, delimited(v2::encode_dial_back(12345)))));
  CHECK_FALSE(world.run(speak(server.peer.host, id, back, delimited(Bytes{0xff}))));
  const std::string request(k_dial_request_protocol_id);
  CHECK_FALSE(world.run(speak(client.peer.host, server.id(), request, delimited(Bytes{0xff}))));
  CHECK_FALSE(world.run(speak(client.peer.host, server.id(), request, Bytes{0xff, 0xff, 0x7f})));
  CHECK(server.server.stats().broken >= 2);
  client.stop(world);
  server.stop(world);
}

TEST_CASE(
    "autonat: what the server cannot dial is passed over, or refused; nothing false is told") {
  World world(1);
  Server server(world);
  Client client(world.add_node("client"));
  REQUIRE(client.client.start());
  client.meet(world, server);
  const std::string ip = "/ip4/" + client.peer.node.ip().to_string();
  const auto hash = "/certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g";
  const auto web = Multiaddr::parse(ip + "/udp/4001/quic-v1/webtransport" + hash).value();
  const auto rtc = Multiaddr::parse(ip + "/udp/4002/webrtc-direct" + hash).value();
  client.addresses = {web, rtc, client.peer.address.without_peer()};
  const auto finding = client.ask(world, server);
  REQUIRE(finding);
  CHECK(*finding == Finding{client.peer.address.without_peer(), true});
  client.addresses = {web, rtc};
  CHECK(client.ask(world, server).error().is(AutonatError::refused));
  server.peer.host.unhandle(std::string(k_dial_request_protocol_id));
  world.run_for(3s);  // the client is told
  CHECK(client.ask(world, server).error().is(AutonatError::refused));
  CHECK(server.server.stats().unreached == 0);
  CHECK(server.server.stats().data_bytes == 0);
  for (const auto& each : client.client.reachability()) {
    CHECK(((each.address != web && each.address != rtc) || each.confidence == 0));
  }
  client.stop(world);
  server.stop(world);
}

TEST_CASE("autonat: a server at its own limits says nothing about the address") {
  World world(1);
  Server server(world, {.scope = Scope::any}, {.outbound_connections_max = 0});
  Client client(world.add_node("client"), {.reachability = {.confidence_min = 1}});
  client.meet(world, server);
  CHECK(client.ask(world, server).error().is(AutonatError::rejected));
  server.peer.host.unhandle(std::string(k_dial_request_protocol_id));
  world.run_for(3s);  // the client is told
  CHECK(client.ask(world, server).error().is(AutonatError::server_failed));
  CHECK(server.server.stats().unreached == 0);
  CHECK(server.server.stats().failed == 2);
  CHECK(client.changes.empty());
  client.stop(world);
  server.stop(world);
}

TEST_CASE("autonat: a peer that asks too often is rejected") {
  World world(1);
  Server server(world);
  Client client(world.add_node("client"));
  client.meet(world, server);
  std::size_t rejected = 0;
  for (int i = 0; i < 15; ++i) {
    const auto answer =
        world.run(speak(client.peer.host, server.id(), std::string(k_dial_request_protocol_id),
                        delimited(v2::encode(v2::DialRequest{}))));
    REQUIRE(answer);
    const auto status = std::get<v2::DialResponse>(v2::decode(*answer).value()).status;
    rejected += status == v2::ResponseStatus::request_rejected ? 1 : 0;
  }
  CHECK(rejected == 3);
  CHECK(server.server.stats().rejected == 3);
  CHECK(server.peer.host.metrics_text().find(
            R"(libp2p_autonat_refused_total{status="rejected"} 3)") != std::string::npos);
  client.stop(world);
  server.stop(world);
}

TEST_CASE("autonat: private addresses are not dialled for others, unless that is wanted") {
  World world(1);
  Server server(world, {.scope = Scope::global});
  Client client(world.add_node("client"));
  client.meet(world, server);
  CHECK(client.ask(world, server).error().is(AutonatError::refused));
  client.stop(world);
  server.stop(world);
}
