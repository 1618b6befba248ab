// The words of commands about other nodes.
#include "apps/vivim/arguments_detail.hpp"

namespace vivim::cli {

void Grammar::add_network_commands() {
  auto [connect, args] =
      add<ConnectArguments>("connect", "Connect to another node",
                            {"vivim connect /ip4/192.0.2.7/tcp/8471/p2p/12D3KooW..."});
  connect->add_option("address", args->address, "A multiaddr that ends in /p2p/PEER")
      ->required()
      ->type_name("MULTIADDR");
  add_common(*connect);

  auto [disconnect, disconnect_args] = add<DisconnectArguments>(
      "disconnect", "Close the connection with a node", {"vivim disconnect 12D3KooW..."});
  disconnect->add_option("peer", disconnect_args->peer, "The id of a connected node")
      ->required()
      ->type_name("PEER");
  add_common(*disconnect);

  auto [peers, peers_args] =
      add<PeersArguments>("peers", "The nodes that are connected",
                          {"vivim peers", "vivim peers --verbose", "vivim peers --json | jq"});
  peers->add_flag("-v,--verbose", peers_args->verbose, "Also how, and what they speak");
  add_common(*peers);

  add_swarm_commands();
  add_dht_commands();
  add_topic_commands();

  auto [ping, ping_args] = add<PingArguments>(
      "ping", "Measure round trips to a node",
      {"vivim ping 12D3KooW...", "vivim ping /ip4/192.0.2.7/tcp/8471/p2p/12D3KooW... -c 10"});
  ping->add_option("peer", ping_args->peer, "The id of a connected node, or a multiaddr")
      ->required()
      ->type_name("PEER");
  ping->add_option("-c,--count", ping_args->count, "How many (4)")
      ->check(CLI::Range(1, 1000).description(""))
      ->type_name("N");
  add_common(*ping);

  constexpr std::uint64_t k_bytes_max = std::uint64_t{16} << 30;
  auto [perf, perf_args] =
      add<PerfArguments>("perf", "Measure how fast bytes go to a node and back",
                         {"vivim perf 12D3KooW...", "vivim perf 12D3KooW... --upload 1GB"});
  perf->add_option("peer", perf_args->peer, "The id of a connected node, or a multiaddr")
      ->required()
      ->type_name("PEER");
  for (auto [name, bytes] :
       {std::pair("--upload", &perf_args->upload), std::pair("--download", &perf_args->download)}) {
    perf->add_option(name, *bytes, "Bytes (100MB)")
        ->transform(CLI::AsSizeValue(false).description(""))
        ->check(CLI::Range(std::uint64_t{0}, k_bytes_max).description(""))
        ->type_name("BYTES");
  }
  add_common(*perf);
}

void Grammar::add_swarm_commands() {
  auto* swarm = app_.add_subcommand("swarm", "What the node does among others");
  swarm->require_subcommand(1);
  swarm->footer(
      "Examples:\n  vivim swarm addresses\n  vivim swarm reachability\n  vivim swarm limits\n"
      "  vivim swarm key > swarm.key");
  add_common(*swarm);
  add_common(*add<SwarmAddressesArguments>(
                  *swarm, "addresses", "Where the node is, and which of it others can reach",
                  {"vivim swarm addresses", "vivim swarm addresses --json | jq"})
                  .first);
  add_common(
      *add<SwarmReachabilityArguments>(
           *swarm, "reachability",
           "What is done so that others reach the node: relays, router, meeting points",
           {"vivim swarm reachability", "vivim swarm reachability --json | jq -r .reachability"})
           .first);
  add_common(*add<SwarmLimitsArguments>(*swarm, "limits",
                                        "What the node may use for its peers, and uses",
                                        {"vivim swarm limits", "vivim swarm limits --json | jq"})
                  .first);
  add_common(*add<SwarmKeyArguments>(
                  *swarm, "key", "Make the key file of a private network, and print it",
                  {"vivim swarm key > swarm.key", "vivim swarm key --json | jq -r .fingerprint"})
                  .first);
}

void Grammar::add_dht_commands() {
  auto* dht = app_.add_subcommand("dht", "Look for nodes, content and values in the DHT");
  dht->require_subcommand(1);
  dht->footer(
      "Examples:\n  vivim dht find 4k7qm2\n  vivim dht find --peer 12D3KooW...\n"
      "  vivim dht provide bafkrei...\n  vivim dht put profile 'Hello'");
  add_common(*dht);
  auto [find, find_args] =
      add<DhtFindArguments>(*dht, "find", "Who has something, or where a node is",
                            {"vivim dht find 4k7qm2", "vivim dht find bafkrei... --enough 3",
                             "vivim dht find --peer 12D3KooW... --json | jq -r .addresses[]"});
  find->add_option("what", find_args->what, "A CID, or the id of a conversation or node")
      ->required()
      ->type_name("ID");
  find->add_flag("--peer", find_args->peer, "It is the id of a node");
  find->add_option("--enough", find_args->enough, "Stop when so many were found (0: never)")
      ->check(CLI::Range(0, 512).description(""))
      ->type_name("N");
  add_common(*find);
  auto [provide, provide_args] = add<DhtProvideArguments>(
      *dht, "provide", "Say that this node has something, until it stops",
      {"vivim dht provide bafkrei...", "vivim dht provide 4k7qm2 --json | jq .stored"});
  provide->add_option("content", provide_args->content, "A CID, or the id of a conversation")
      ->required()
      ->type_name("ID");
  add_common(*provide);
  auto [get, get_args] = add<DhtGetArguments>(
      *dht, "get", "Get a signed value",
      {"vivim dht get /vivim/content/12D3KooW.../profile", "vivim dht get /pk/12D3KooW... --json"});
  get->add_option("key", get_args->key, "/vivim/content/PEER/NAME or /pk/PEER")
      ->required()
      ->type_name("KEY");
  add_common(*get);
  auto [put, put_args] = add<DhtPutArguments>(
      *dht, "put", "Publish a text under a name of this node, signed",
      {"vivim dht put profile 'Hello'", "vivim dht put profile \"$(cat profile.json)\" --json"});
  put->add_option("name", put_args->name, "What it is called")->required()->type_name("NAME");
  put->add_option("text", put_args->text, "At most 4 KiB")->required()->type_name("TEXT");
  add_common(*put);
}

}  // namespace vivim::cli
