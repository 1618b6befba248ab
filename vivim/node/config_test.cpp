#include "vivim/node/config.hpp"

#include <doctest/doctest.h>

namespace vivim::node {
namespace {

TEST_CASE("config: the file that init writes means the defaults") {
  const auto config = parse_config(default_config_text(), "config.toml");
  REQUIRE(config);
  CHECK(config->http.to_string() == "127.0.0.1:8470");
  REQUIRE(config->network.listen.size() == 2);
  CHECK(config->network.listen[0].to_string() == "/ip4/0.0.0.0/tcp/8471");
  CHECK(config->network.listen[1].to_string() == "/ip4/0.0.0.0/udp/8471/quic-v1");
  CHECK(config->network.listen_is_default);
  CHECK(config->log_level == log::Level::info);
}

TEST_CASE("config: what is commented out there is what it would mean") {
  std::string text = default_config_text();
  for (const char* name : {"http", "listen", "log_level", "relay_server", "autonat", "port_mapping",
                           "mdns", "rendezvous_namespace", "rendezvous_server", "mplex", "perf"}) {
    const auto at = text.find("\n# " + std::string(name) + " = ");
    REQUIRE(at != std::string::npos);
    text.erase(at + 1, 2);
  }
  const auto config = parse_config(text, "config.toml").value();
  const auto plain = default_config();
  CHECK(config.http == plain.http);
  CHECK(config.network.listen == plain.network.listen);
  CHECK(config.log_level == plain.log_level);
  CHECK(config.network.relay_server == plain.network.relay_server);
  CHECK(config.network.autonat == plain.network.autonat);
  CHECK(config.network.port_mapping == plain.network.port_mapping);
  CHECK(config.network.mdns == plain.network.mdns);
  CHECK(config.network.rendezvous_namespace == plain.network.rendezvous_namespace);
  CHECK(config.network.rendezvous_server == plain.network.rendezvous_server);
  CHECK(config.network.mplex == plain.network.mplex);
  CHECK(config.network.perf == plain.network.perf);
  CHECK(config.network.pubsub.enabled == plain.network.pubsub.enabled);
  CHECK(config.network.pubsub.anonymous == plain.network.pubsub.anonymous);
  CHECK(config.network.pubsub.message_ids == plain.network.pubsub.message_ids);
  CHECK(config.network.pubsub.peer_exchange == plain.network.pubsub.peer_exchange);
  CHECK(config.network.pubsub.instances == plain.network.pubsub.instances);
}

TEST_CASE("config: every setting") {
  const auto config = parse_config(R"(http = "[::1]:0"
listen = ["/ip4/127.0.0.1/tcp/0", "/ip6/::1/tcp/9000"]
names = ["vivim.lan"]
log_level = "debug"
perf = true
relay_server = true
relays = ["/ip4/192.0.2.1/tcp/1/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"]
bootstrap = ["/dnsaddr/node.example/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"]
rendezvous = ["/ip4/192.0.2.2/tcp/1/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"]
rendezvous_namespace = "family"
rendezvous_server = true
announce = ["/dns4/node.example/tcp/443/tls/ws"]
autonat = false
port_mapping = false
mdns = false
private_network = "swarm.key"
mplex = true
web = "/w"
[dht]
mode = "client"
protocol = "/ipfs/kad/1.0.0"
[wss]
certificate = "chain.pem"
key = "/etc/key.pem"
authorities = "ca.pem"
[message]
mailbox_server = true
mailboxes = ["/ip4/192.0.2.3/tcp/1/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"])",
                                   "c")
                          .value();
  CHECK(config.http.to_string() == "[::1]:0");
  CHECK(config.network.listen.size() == 2);
  CHECK_FALSE(config.network.listen_is_default);
  CHECK(config.names == std::vector<std::string>{"vivim.lan"});
  CHECK(config.log_level == log::Level::debug);
  CHECK(config.network.perf);
  CHECK(config.network.relay_server);
  CHECK(config.network.relays.size() == 1);
  CHECK(config.network.bootstrap.size() == 1);
  CHECK(config.network.rendezvous.size() == 1);
  CHECK(config.network.rendezvous_namespace == "family");
  CHECK(config.network.rendezvous_server);
  CHECK(config.network.messages.mailbox_server);
  CHECK(config.network.messages.mailboxes.size() == 1);
  REQUIRE(config.network.announce.size() == 1);
  CHECK(config.network.announce[0].to_string() == "/dns4/node.example/tcp/443/tls/ws");
  CHECK_FALSE(config.network.autonat);
  CHECK_FALSE(config.network.port_mapping);
  CHECK_FALSE(config.network.mdns);
  CHECK(config.network.private_network == "swarm.key");
  CHECK(config.network.mplex);
  CHECK(config.network.dht.on);
  CHECK(config.network.dht.mode == libp2p::kad::Mode::client);
  CHECK(config.network.dht.protocol == libp2p::kad::k_ipfs_protocol_id);
  CHECK(config.network.wss.certificate == "chain.pem");
  CHECK(config.network.wss.key == "/etc/key.pem");
  CHECK(config.network.wss.authorities == "ca.pem");
  CHECK(config.web == "/w");
  CHECK(parse_config("listen = []", "c").value().network.listen.empty());
}

TEST_CASE("config: the ways to take part in the DHT") {
  CHECK_FALSE(parse_config("[dht]\nmode = \"off\"", "c").value().network.dht.on);
  CHECK(parse_config("[dht]\nmode = \"server\"", "c").value().network.dht.mode ==
        libp2p::kad::Mode::server);
  CHECK(parse_config("[dht]\nmode = \"auto\"", "c").value().network.dht.mode ==
        libp2p::kad::Mode::automatic);
}

TEST_CASE("config: pubsub") {
  const auto config = parse_config(R"([pubsub]
enabled = false
anonymous = true
message_ids = "go"
peer_exchange = true
instances = true
topics = ["/vivim/circles/family"])",
                                   "c")
                          .value();
  CHECK_FALSE(config.network.pubsub.enabled);
  CHECK(config.network.pubsub.anonymous);
  CHECK(config.network.pubsub.message_ids == "go");
  CHECK(config.network.pubsub.peer_exchange);
  CHECK(config.network.pubsub.instances);
  CHECK(config.network.pubsub.topics == std::vector<std::string>{"/vivim/circles/family"});
}

TEST_CASE("config: what is wrong is said with its place") {
  const auto message = [](std::string_view text) {
    const auto config = parse_config(text, "config.toml");
    REQUIRE_FALSE(config);
    CHECK(config.error().kind == ProblemKind::bad_input);
    return config.error().message;
  };
  CHECK(message("\n\nhttp = ").find("line 3") != std::string::npos);
  CHECK(message("# a\nhtpp = \"x\"").find("line 2: there is no setting 'htpp'") !=
        std::string::npos);
  CHECK(message("message = 1").find("must be a table") != std::string::npos);
  CHECK(message("[message]\nx = 1").find("there is no setting 'message.x'") != std::string::npos);
  CHECK(message("[message]\nmailbox_server = 1").find("true or false") != std::string::npos);
  CHECK(message("[message]\nmailboxes = [\"x\"]").find("message.mailboxes") != std::string::npos);
  CHECK(message("http = 8470").find("text in quotes") != std::string::npos);
  CHECK(message("relays = [\"/ip4/192.0.2.1/tcp/1\"]").find("address of a node") !=
        std::string::npos);
  CHECK(message("perf = 1").find("true or false") != std::string::npos);
  CHECK(message("http = \"nowhere\"").find("'nowhere'") != std::string::npos);
  CHECK(message("listen = \"x\"").find("must be a list") != std::string::npos);
  CHECK(message("listen = [\"/ip4/1.2.3.4/udp/1\"]").find("listen on") != std::string::npos);
  CHECK(message("log_level = \"loud\"").find("loud") != std::string::npos);
  CHECK(message("bootstrap = [\"/dnsaddr/node.example\"]").find("config.toml: bootstrap: ") == 0);
  CHECK(message("dht = 3").find("'dht' must be a table") != std::string::npos);
  CHECK(message("[dht]\nmode = \"maybe\"").find("none of auto, client, server, off") !=
        std::string::npos);
  CHECK(message("[dht]\nprotocol = \"kad\"").find("begin with a slash") != std::string::npos);
  CHECK(message("[dht]\nsize = 3").find("no setting 'dht.size'") != std::string::npos);
  CHECK(message("rendezvous = [3]").find("'rendezvous' must be a text") != std::string::npos);
  CHECK(message("rendezvous_namespace = \"\"").find("1 to 255 bytes") != std::string::npos);
  CHECK(message("rendezvous_namespace = \"" + std::string(256, 'x') + "\"").find("1 to 255") !=
        std::string::npos);
  CHECK(message("announce = [\"/dnsaddr/node.example\"]").find("leads here") != std::string::npos);
  for (const std::string name : {"autonat", "port_mapping", "mplex", "rendezvous_server"}) {
    CHECK(message(name + " = \"yes\"").find("'" + name + "' must be true or false") !=
          std::string::npos);
  }
  CHECK(message("private_network = \"\"").find("path of a file") != std::string::npos);
  CHECK(message("wss = true").find("'wss' must be a table") != std::string::npos);
  CHECK(message("[wss]\ncert = \"x\"").find("there is no setting 'wss.cert'") != std::string::npos);
  CHECK(message("pubsub = 1").find("'pubsub' must be a table") != std::string::npos);
  CHECK(message("[pubsub]\nenable = true").find("no setting 'pubsub.enable'") != std::string::npos);
  CHECK(message("[pubsub]\nanonymous = 1").find("'pubsub.anonymous' must be true or false") !=
        std::string::npos);
  CHECK(message("[pubsub]\nmessage_ids = \"cpp\"").find("none of vivim, go, rust, js") !=
        std::string::npos);
  CHECK(message("[pubsub]\ntopics = [\"\"]").find("1 to 1024 bytes") != std::string::npos);
  std::string many = "names = [";
  for (std::size_t i = 0; i <= k_config_list_max; ++i) {
    many += "\"a\",";
  }
  CHECK(message(many + "]").find("at most 16") != std::string::npos);
}

TEST_CASE("config: what contradicts itself is said, with what to do") {
  const auto problem = [](std::string_view text) {
    const auto config = parse_config(text, "config.toml");
    REQUIRE_FALSE(config);
    CHECK(config.error().kind == ProblemKind::bad_input);
    CHECK_FALSE(config.error().hint.empty());
    return config.error().message;
  };
  CHECK(problem("[wss]\nkey = \"key.pem\"").find("one of them is missing") != std::string::npos);
  CHECK(problem("listen = [\"/ip4/127.0.0.1/tcp/0/tls/ws\"]").find("needs a certificate") !=
        std::string::npos);
  CHECK(
      parse_config("listen = [\"/ip4/127.0.0.1/tcp/0/tls/sni/node.example/ws\"]\n[wss]\n"
                   "certificate = \"chain.pem\"\nkey = \"key.pem\"",
                   "c"));
  CHECK(problem("private_network = \"swarm.key\"\nlisten = [\"/ip4/127.0.0.1/udp/0/quic-v1\"]")
            .find("QUIC has no place for its key") != std::string::npos);
  CHECK(parse_config("private_network = \"swarm.key\"", "c"));  // the default listens without QUIC
  std::string relays = "relays = [";
  for (int i = 0; i < 9; ++i) {
    relays += "\"/ip4/192.0.2.1/tcp/" + std::to_string(i + 1) +
              "/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X\",";
  }
  CHECK(problem(relays + "]").find("there are 9, and a node uses at most 8") != std::string::npos);
  relays.replace(0, std::string("relays").size(), "mailboxes");
  CHECK(problem("[message]\n" + relays + "]").find("message.mailboxes: there are 9") !=
        std::string::npos);
}

TEST_CASE("config: limits") {
  const libp2p::limits::Machine machine{.memory_bytes = std::uint64_t{8} << 30,
                                        .file_descriptors = 1024};
  const auto plain = limits_of(machine, default_config().network);
  CHECK(plain == libp2p::limits::scaled_limits(machine));
  const auto config = parse_config(
                          "[limits.system]\nconnections_inbound = 7\n"
                          "[limits.address]\nconnections_inbound = 9\n"
                          "[limits.peer]\nstreams = 3",
                          "c")
                          .value();
  const auto limits = limits_of(machine, config.network);
  CHECK(limits.system.connections_inbound == 7);
  CHECK(limits.peer.streams == 3);
  CHECK(limits.address.connections_inbound == 9);
  CHECK(limits.system.streams == plain.system.streams);

  const auto message = [](std::string_view text) {
    return parse_config(text, "c").error().message;
  };
  CHECK(message("limits = 3").find("must be a table") != std::string::npos);
  CHECK(message("limits.system = 3").find("must be a table") != std::string::npos);
  CHECK(message("[limits.galaxy]\nstreams = 3").find("limits.galaxy.streams") != std::string::npos);
  CHECK(message("[limits.address]\nstreams = 3").find("limits.address.streams") !=
        std::string::npos);
  CHECK(message("[limits.peer]\nstreams = -3").find("whole number") != std::string::npos);
}

TEST_CASE("config: addresses and ports") {
  CHECK(parse_endpoint("localhost:1", "--http").value().to_string() == "127.0.0.1:1");
  for (const char* text : {"", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:65536", "1.2.3:4",
                           "127.0.0.1:8x", "host:80"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_endpoint(text, "--http"));
  }
  CHECK(parse_listen_address("/ip6/::/tcp/0", "--listen"));
  CHECK(parse_listen_address("/ip4/1.2.3.4/tcp/1/ws", "--listen"));
  CHECK(parse_listen_address("/ip4/1.2.3.4/udp/1/quic-v1", "--listen"));
  CHECK_FALSE(parse_listen_address("/ip4/1.2.3.4/tcp/1/quic-v1", "--listen"));
  CHECK(parse_listen_address("/ip4/1.2.3.4/tcp/1/tls/ws", "--listen"));
  CHECK(parse_listen_address("/ip4/1.2.3.4/tcp/1/tls/sni/node.example/ws", "--listen"));
  CHECK_FALSE(parse_listen_address("/ip4/1.2.3.4/tcp/1/tls", "--listen"));
  CHECK_FALSE(parse_listen_address("/ip4/1.2.3.4/udp/1/ws", "--listen"));
  CHECK_FALSE(parse_listen_address("127.0.0.1:80", "--listen"));
}

}  // namespace
}  // namespace vivim::node
