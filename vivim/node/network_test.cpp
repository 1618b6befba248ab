// Whole nodes that find, reach and refuse each other over loopback, as they are configured.
#include <fstream>

#include <doctest/doctest.h>

#include "vivim/libp2p/mplex/muxer.hpp"
#include "vivim/node/certificate_test_detail.hpp"
#include "vivim/node/nodes_test_detail.hpp"

namespace vivim::node::test {

namespace {

using multiformats::Multiaddr;

void write_file(const Machine& machine, const std::string& name, std::string_view content) {
  std::ofstream(machine.folder.path() + "/" + name) << content;
}

void write_swarm_key(Machine& machine, const std::string& name) {
  const auto key =
      libp2p::pnet::PreSharedKey::generate([&machine](MutableBytes out) { machine.rng.fill(out); });
  write_file(machine, name, as_text(key.to_file().view()));
}

/// On loopback every address is private, and one server is all that there is.
NodeOptions on_loopback() {
  return {.home = {},
          .version = {},
          .autonat = AutonatPolicy{.scope = libp2p::autonat::Scope::any, .confidence_min = 1}};
}

}  // namespace

TEST_CASE("network: two nodes find each other at a rendezvous point") {
  Machine machine;
  auto config = listening();
  config.rendezvous_server = true;
  Running point(machine, "point", config);
  config = listening();
  config.rendezvous = {point.multiaddr()};
  config.rendezvous_namespace = "family";
  Running alice(machine, "alice", config);
  machine.until("alice's registration", [&] {
    return contains(alice.get("/api/v2/network/reachability"), R"("registered":true)");
  });
  CHECK(point.counts("libp2p_rendezvous_registrations 1"));
  Running bob(machine, "bob", config);
  machine.until("alice to be found",
                [&] { return bob.counts(R"(libp2p_discovered_total{source="rendezvous"} 1)"); });
  CHECK(bob.post("/api/v2/network/ping", R"({"peer":")" + alice.id() + "\"}").starts_with("200"));
  CHECK(bob.has_peer(alice));
  CHECK(contains(bob.get("/api/v2/network/reachability"), R"("rendezvous_namespace":"family")"));
}

TEST_CASE("network: messages of a topic reach the nodes that are in it") {
  Machine machine;
  auto config = listening();
  config.pubsub.topics = {"/vivim/circles/family"};
  Running alice(machine, "alice", config);
  Running bob(machine, "bob", listening());
  const std::string topic = R"({"topic":"/vivim/circles/family")";
  CHECK(bob.get("/api/v2/topics/messages?topic=/vivim/circles/family").starts_with("404"));
  CHECK(bob.post("/api/v2/topics/subscribe", topic + "}").starts_with("200"));
  REQUIRE(bob.connect(alice.address()).starts_with("200"));
  machine.until("the mesh",
                [&] { return contains(bob.get("/api/v2/topics"), R"("mesh_peers":1)"); });
  const auto published =
      alice.post("/api/v2/topics/publish", topic + R"(,"text":"dinner is ready"})");
  CHECK(contains(published, R"("peers":1)"));
  machine.until("the message", [&] {
    return contains(bob.get("/api/v2/topics/messages?topic=/vivim/circles/family"),
                    R"("text":"dinner is ready")");
  });
  const auto all = bob.get("/api/v2/topics/messages?topic=/vivim/circles/family");
  CHECK(contains(all, R"("author":")" + alice.id() + "\""));
  CHECK(contains(bob.get("/api/v2/topics/messages?topic=/vivim/circles/family&after=1"),
                 R"("messages":[])"));
  CHECK(bob.counts(R"(libp2p_gossipsub_messages_total{what="delivered"} 1)"));
  CHECK(bob.counts("vivim_document_gossip_documents 0"));
  CHECK(bob.post("/api/v2/topics/unsubscribe", topic + "}").starts_with("200"));
  CHECK(contains(bob.get("/api/v2/topics"), R"("topics":[])"));
  CHECK(bob.post("/api/v2/topics/unsubscribe", topic + "}").starts_with("404"));
  CHECK(bob.post("/api/v2/topics/subscribe", R"({"topic":""})").starts_with("400"));
}

TEST_CASE("network: edits of a shared document go on between two who joined, its owner away") {
  Machine machine;
  Running bob(machine, "bob", listening());
  Running carol(machine, "carol", listening());
  const auto text_of = [](const std::string& answer, const std::string& name) {
    const std::size_t at = answer.find("\"" + name + "\":\"");
    REQUIRE(at != std::string::npos);
    const std::size_t begin = at + name.size() + 4;
    return answer.substr(begin, answer.find('"', begin) - begin);
  };
  std::string conversation;
  {
    Running alice(machine, "alice", listening());
    const auto made = alice.post("/api/v2/conversations", R"({"title":"Holiday"})");
    conversation = "/api/v2/conversations/" + text_of(made, "id");
    const auto ticket = text_of(alice.post(conversation + "/share", ""), "ticket");
    for (Running* node : {&bob, &carol}) {
      const auto joined = node->post("/api/v2/join", R"({"ticket":")" + ticket + "\"}");
      CHECK(contains(joined, "Holiday"));
    }
  }
  REQUIRE(bob.connect(carol.address()).starts_with("200"));
  machine.until("the mesh",
                [&] { return contains(bob.get("/api/v2/topics"), R"("mesh_peers":1)"); });
  CHECK(bob.post(conversation + "/turns", R"({"role":"user","text":"to the sea"})")
            .starts_with("20"));
  machine.until("carol's copy", [&] { return contains(carol.get(conversation), "to the sea"); });
}

TEST_CASE("network: a node that does not gossip says so") {
  Machine machine;
  auto config = listening();
  config.pubsub.enabled = false;
  Running node(machine, "node", config);
  CHECK(node.get("/api/v2/topics").starts_with("503"));
  CHECK(contains(node.post("/api/v2/topics/publish", R"({"topic":"t","text":"x"})"), "no_gossip"));
}

TEST_CASE("network: bootstrap nodes are connected with at start") {
  Machine machine;
  Running known(machine, "known", listening());
  auto config = listening();
  config.bootstrap = {known.multiaddr()};
  Running node(machine, "node", config);
  machine.until("the connection", [&] { return node.has_peer(known); });
  CHECK(node.counts(R"(libp2p_discovered_total{source="bootstrap"} 1)"));
  machine.until("identify",
                [&] { return known.counts(R"(libp2p_discovered_total{source="identify"} 1)"); });
}

TEST_CASE("network: members of a private network talk to each other and to nobody else") {
  Machine machine;
  write_swarm_key(machine, "swarm.key");
  write_swarm_key(machine, "other.key");
  auto config = listening();
  Running outsider(machine, "outsider", config);
  config.private_network = "swarm.key";
  Running alice(machine, "alice", config);
  config.listen.push_back(Multiaddr::parse("/ip4/127.0.0.1/tcp/0/ws").value());
  config.listen.push_back(Multiaddr::parse("/ip4/127.0.0.1/udp/0/quic-v1").value());
  Running bob(machine, "bob", config);
  config = listening();
  config.private_network = "other.key";
  Running stranger(machine, "stranger", config);

  const auto addresses = bob.get("/api/v2/network/addresses");
  CHECK(contains(addresses, "/ws/"));
  CHECK_FALSE(contains(addresses, "quic"));  // it has no place for the key
  CHECK(alice.connect(bob.address()).starts_with("200"));
  for (Running* other : {&outsider, &stranger}) {
    CHECK(other->connect(bob.address()).starts_with("503"));
    CHECK(bob.connect(other->address()).starts_with("503"));
  }
  CHECK(alice.has_peer(bob));
  CHECK_FALSE(bob.has_peer(outsider));
  const auto status = bob.get("/api/v2/status");
  CHECK(contains(status, R"("private_network":")"));
  CHECK_FALSE(contains(outsider.get("/api/v2/status"), "private_network"));
}

TEST_CASE("network: in a private network one member's word about any address counts") {
  Machine machine;
  write_swarm_key(machine, "swarm.key");
  auto config = listening();
  config.private_network = "swarm.key";
  Running alice(machine, "alice", config);
  Running bob(machine, "bob", config);
  CHECK(alice.connect(bob.address()).starts_with("200"));
  machine.until("alice's reachability", [&] {
    return contains(alice.get("/api/v2/status"), R"("reachability":"public")");
  });
}

TEST_CASE("network: key files that are none, or not there, are said with what to do") {
  Machine machine;
  write_file(machine, "broken.key", "hello");
  NetworkConfig config;
  const auto problem = [&] {
    const auto secrets = read_secrets(config, machine.folder.path());
    REQUIRE_FALSE(secrets);
    CHECK(secrets.error().kind == ProblemKind::bad_input);
    CHECK_FALSE(secrets.error().hint.empty());
    return secrets.error().message;
  };
  config.private_network = "broken.key";
  CHECK(contains(problem(), "private_network: 'broken.key' is not the key file"));
  config.private_network = "nowhere.key";
  CHECK(contains(problem(), "there is no file " + machine.folder.path() + "/nowhere.key"));
  config.private_network = {};
  config.wss.certificate = "/nowhere/chain.pem";
  CHECK(contains(problem(), "wss.certificate: there is no file /nowhere/chain.pem"));
  WssSecrets nonsense;
  nonsense.chain_pem = "x";
  nonsense.key_pem = crypto::SecretBytes(as_bytes(std::string_view("y")));
  const auto tls = make_web_tls(nonsense, machine.loop.clock());
  REQUIRE_FALSE(tls);
  CHECK(contains(tls.error().message, "wss: certificate"));
}

TEST_CASE("network: secure WebSocket with a certificate of one's own, and whom it is trusted by") {
  Machine machine;
  write_file(machine, "chain.pem", k_certificate);
  write_file(machine, "key.pem", k_key);
  auto config = listening("/ip4/127.0.0.1/tcp/0/tls/sni/node.example/ws");
  config.wss = {.certificate = "chain.pem", .key = "key.pem", .authorities = {}};
  Running server(machine, "server", config);
  CHECK(contains(server.address(), "/tls/sni/node.example/ws/p2p/"));

  config = listening();
  Running wary(machine, "wary", config);
  CHECK(wary.connect(server.address()).starts_with("503"));  // an authority that it does not know
  config.wss.authorities = "chain.pem";
  Running trusting(machine, "trusting", config);
  CHECK(trusting.connect(server.address()).starts_with("200"));
  CHECK(contains(trusting.get("/api/v2/network/peers"), R"("transport":"ws")"));
  CHECK(server.has_peer(trusting));
}

TEST_CASE("network: a node learns that it is public, and needs no relay any more") {
  Machine machine;
  auto config = listening();
  config.relay_server = true;
  Running relay(machine, "relay", config, on_loopback());
  config = listening();
  config.relays = {relay.multiaddr()};
  Running node(machine, "node", config, on_loopback());
  machine.until("the node's reachability", [&] {
    return contains(node.get("/api/v2/network/addresses"), R"({"reachability":"public")");
  });
  CHECK(contains(node.get("/api/v2/network/addresses"),
                 R"("source":"listen","reachability":"public","confidence":1)"));
  machine.until("the end of the reservation", [&] {
    return contains(node.get("/api/v2/network/reachability"), R"("relays":[])");
  });
  CHECK_FALSE(contains(node.get("/api/v2/status"), "p2p-circuit"));
  CHECK(relay.counts(R"(libp2p_autonat_served_total{result="reached"} 1)"));
}

TEST_CASE("network: a node learns that nobody reaches it, and is reached through a relay at hand") {
  Machine machine;
  auto config = listening();
  config.relay_server = true;
  Running relay(machine, "relay", config, on_loopback());
  NetworkConfig hidden{.listen = {}, .listen_is_default = false};
  hidden.announce = {Multiaddr::parse("/ip4/127.0.0.1/tcp/1").value()};  // nobody is there
  Running node(machine, "node", hidden, on_loopback());
  CHECK(node.connect(relay.address()).starts_with("200"));
  machine.until("the node's reachability", [&] {
    return contains(node.get("/api/v2/status"), R"("reachability":"private")");
  });
  machine.until("a reservation", [&] {
    return contains(node.get("/api/v2/network/reachability"),
                    R"("source":"found","reserved":true)");
  });
  const auto addresses = node.get("/api/v2/network/addresses");
  CHECK(contains(addresses, R"("source":"relay","reachability":"relayed")"));
  CHECK(contains(addresses, R"("source":"announce","reachability":"private")"));
  CHECK(relay.counts("libp2p_relay_reservations 1"));

  Running friend_(machine, "friend", listening());
  CHECK(friend_.connect(relay.address() + "/p2p-circuit/p2p/" + node.id()).starts_with("200"));
}

TEST_CASE("network: mplex is for peers that have nothing else") {
  Machine machine;
  auto config = listening();
  Running plain(machine, "plain", config);
  config.mplex = true;
  Running one(machine, "one", config);
  Running two(machine, "two", config);
  CHECK(one.connect(two.address()).starts_with("200"));
  CHECK(contains(one.get("/api/v2/network/peers"), R"("muxer":"/yamux/1.0.0")"));

  const auto key =
      crypto::KeyPair::generate([&machine](MutableBytes out) { machine.rng.fill(out); });
  libp2p::HostOptions options{.key = key};
  options.muxers.push_back(std::make_unique<libp2p::mplex::MplexMuxer>());
  libp2p::Host old(std::move(options), machine.loop, machine.network, machine.rng);
  CHECK(machine.loop.run(old.connect(one.multiaddr())));
  CHECK(old.peers().at(0).muxer == "/mplex/6.7.0");
  CHECK_FALSE(machine.loop.run(old.connect(plain.multiaddr())));
  machine.loop.run(old.stop());
}

TEST_CASE("network: a limit that is reached is named, to who asks and in the numbers") {
  Machine machine;
  Running first(machine, "first", listening());
  Running second(machine, "second", listening());
  NodeOptions options;
  options.limits = libp2p::limits::scaled_limits(
      {.memory_bytes = std::uint64_t{1} << 30, .file_descriptors = 1024});
  options.limits->system.connections_outbound = 1;
  Running node(machine, "node", listening(), std::move(options));
  CHECK(node.connect(first.address()).starts_with("200"));
  const auto refused = node.connect(second.address());
  CHECK(refused.starts_with("409"));
  CHECK(contains(refused, R"("code":"limit_reached")"));
  CHECK(contains(refused, "limits.system.connections_outbound"));
  CHECK(contains(refused, "1 of 1 in use"));
  CHECK(contains(node.get("/api/v2/network/limits"), "limits.system.connections_outbound"));
  CHECK(node.counts(
      R"(libp2p_refused_total{resource="connections",scope="system",side="outbound"} 1)"));
}

TEST_CASE("network: what ended is remembered with its reason") {
  Machine machine;
  Running alice(machine, "alice", listening());
  Running bob(machine, "bob", listening());
  CHECK(alice.connect(bob.address()).starts_with("200"));
  CHECK(alice.post("/api/v2/network/disconnect", R"({"peer_id":")" + bob.id() + "\"}")
            .starts_with("200"));
  machine.until("both ends to know", [&] {
    return contains(alice.get("/api/v2/network/peers"), R"("cause":"local","reason":"local)") &&
           contains(bob.get("/api/v2/network/peers"), R"("cause":"remote","reason":"remote)");
  });
  CHECK(alice.counts(R"(libp2p_connections_closed_total{cause="local"} 1)"));
}

TEST_CASE("network: every protocol has its numbers") {
  Machine machine;
  auto config = listening();
  config.relay_server = true;
  config.rendezvous_server = true;
  config.rendezvous = {Multiaddr::parse("/ip4/127.0.0.1/tcp/1/p2p/"
                                        "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X")
                           .value()};
  config.listen.push_back(Multiaddr::parse("/ip4/127.0.0.1/udp/0/quic-v1").value());
  Running node(machine, "node", config);
  Running other(machine, "other", listening());
  CHECK(node.post("/api/v2/network/ping", R"({"peer":")" + other.address() + "\"}")
            .starts_with("200"));
  machine.until("identify",
                [&] { return node.counts(R"(libp2p_identify_total{how="asked",result="ok"} 1)"); });
  CHECK(node.counts(R"(libp2p_pings_total{result="ok"} 1)"));
  CHECK(node.counts(R"(libp2p_dials_total{result="ok"} 1)"));
  CHECK(node.counts(R"(vivim_build_info{version="1.2.3"} 1)"));
  const auto text = node.get("/metrics");
  for (const char* family : {"libp2p_connections_opened_total",
                             "libp2p_streams_opened_total",
                             "libp2p_stream_bytes_total",
                             "libp2p_streams_reset_total",
                             "libp2p_refused_total",
                             "libp2p_resources_in_use",
                             "libp2p_addresses",
                             "libp2p_autonat_asked_total",
                             "libp2p_autonat_served_total",
                             "libp2p_relay_reservations",
                             "libp2p_relay_circuits",
                             "libp2p_relay_client_relays",
                             "libp2p_dcutr_total",
                             "libp2p_discovered_total",
                             "libp2p_relay_refused_total",
                             "libp2p_autonat_refused_total",
                             "libp2p_rendezvous_refused_total",
                             "libp2p_rendezvous_registrations",
                             "libp2p_rendezvous_points",
                             "libp2p_portmap_ports",
                             "libp2p_quic_packets_total",
                             "libp2p_websocket_refused_total",
                             "vivim_conversations"}) {
    CAPTURE(family);
    CHECK(contains(text, "# TYPE " + std::string(family) + " "));
  }
}

}  // namespace vivim::node::test
