#include "apps/vivim/arguments.hpp"

#include <functional>
#include <map>
#include <memory>

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
#include <CLI/CLI.hpp>
#pragma clang diagnostic pop

namespace vivim::cli {

namespace {

constexpr const char* k_about =
    "VIVIM keeps your AI conversations: import them, search them, edit and share them.\n";

constexpr const char* k_footer = R"(Examples:
  vivim run                              start the node and the web app on http://127.0.0.1:8470/
  vivim import ~/Downloads/export.zip    bring in a ChatGPT or Claude export
  vivim search holiday plans             find a conversation
  vivim show 4k7qm2                      read it (the start of an id is enough)
  vivim share 4k7qm2                     let somebody else's node have it

Everything lives in one folder, the home: --home, else $VIVIM_HOME, else ~/.local/share/vivim.
Exit codes: 0 done, 1 our fault, 2 bad input, 3 not found, 4 refused, 5 conflict, 6 not reachable.
`vivim COMMAND --help` says more about a command.)";

/// The grammar. Each command's options write into its arguments, which `chosen` then holds.
class Grammar {
 public:
  Grammar() {
    app_.require_subcommand(1);
    app_.set_help_all_flag();
    app_.footer(k_footer);
    app_.add_flag("--version", version_, "Print the version");
    add_common(app_);
    add_node_commands();
    add_network_commands();
    add_message_commands();
    add_circle_commands();
    add_reading_commands();
    add_writing_commands();
    add_sharing_commands();
    add_sim_commands();
    add_devnet_commands();
  }

  std::expected<Arguments, Usage> parse(std::vector<std::string> words);

 private:
  using Examples = std::vector<std::string>;

  void add_common(CLI::App& app) {
    app.add_option("--home", common_.home, "The folder with the data")->type_name("DIR");
    app.add_flag("--json", common_.json, "Print one JSON value");
  }

  /// Adds a command; `Args` is what it fills in.
  template <class Args>
  std::pair<CLI::App*, Args*> add(const std::string& name, const std::string& about,
                                  const Examples& examples) {
    return add<Args>(app_, name, about, examples);
  }
  template <class Args>
  std::pair<CLI::App*, Args*> add(CLI::App& parent, const std::string& name,
                                  const std::string& about, const Examples& examples) {
    auto* command = parent.add_subcommand(name, about);
    auto arguments = std::make_shared<Args>();
    std::string footer = "Examples:";
    for (const auto& example : examples) {
      footer += "\n  " + example;
    }
    command->footer(footer);
    command->callback([this, arguments] { chosen_ = *arguments; });
    return {command, arguments.get()};
  }

  void add_node_commands();
  void add_network_commands();
  void add_swarm_commands();
  void add_dht_commands();
  void add_topic_commands();
  void add_message_commands();
  void add_circle_commands();
  void add_reading_commands();
  void add_writing_commands();
  void add_sharing_commands();
  void add_sim_commands();
  void add_devnet_commands();
  std::string help_of(const std::string& name);
  Usage wrong_usage(const CLI::ParseError& error);

  CLI::App app_{k_about, "vivim"};
  CommonArguments common_;
  bool version_ = false;
  CommandArguments chosen_;
};

void Grammar::add_node_commands() {
  auto [run, run_args] =
      add<RunArguments>("run", "Start the node and the web app",
                        {"vivim run", "vivim run --http 127.0.0.1:0 --listen /ip4/127.0.0.1/tcp/0",
                         "VIVIM_HOME=/tmp/second vivim run --http 127.0.0.1:8480"});
  run->add_option("--http", run_args->http, "Where the web app listens; port 0 picks one")
      ->type_name("ADDRESS:PORT");
  run->add_option("--listen", run_args->listen, "Where other nodes reach this one; repeatable")
      ->type_name("MULTIADDR")
      ->allow_extra_args(false);
  run->add_flag("--perf", run_args->perf, "Let other nodes measure the speed to this one");
  run->add_flag("--quiet", run_args->quiet, "Print nothing but errors");
  add_common(*run);
  add_common(*add<InitArguments>("init", "Make a home with its key and config.toml",
                                 {"vivim init", "vivim init --home /srv/vivim"})
                  .first);
  add_common(*add<IdArguments>("id", "Who this node is to others", {"vivim id"}).first);
  add_common(*add<StatusArguments>("status", "What the running node does",
                                   {"vivim status", "vivim status --json | jq -r .http"})
                  .first);
  add_common(*add<StopArguments>("stop", "Stop the running node", {"vivim stop"}).first);
  add_common(
      *add<DoctorArguments>("doctor", "Check everything that is stored", {"vivim doctor"}).first);
  add_common(*add<VersionArguments>("version", "Print the version", {"vivim version"}).first);
}

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

void Grammar::add_topic_commands() {
  auto* topic = app_.add_subcommand("topic", "Messages to everybody who is in a topic");
  topic->require_subcommand(1);
  topic->footer(
      "Examples:\n  vivim topic sub /vivim/circles/family\n"
      "  vivim topic pub /vivim/circles/family \"dinner is ready\"\n  vivim topic ls");
  add_common(*topic);
  add_common(*add<TopicListArguments>(*topic, "ls", "The topics that the node is in",
                                      {"vivim topic ls", "vivim topic ls --json | jq"})
                  .first);
  auto [pub, pub_args] =
      add<TopicPublishArguments>(*topic, "pub", "Publish a message",
                                 {"vivim topic pub /vivim/circles/family \"dinner is ready\"",
                                  "date | vivim topic pub /vivim/circles/family",
                                  "vivim topic pub t hello --json | jq .peers"});
  pub->add_option("topic", pub_args->topic, "The topic")->required()->type_name("TOPIC");
  pub->add_option("text", pub_args->text, "The message; without it, what is on standard input")
      ->type_name("TEXT");
  add_common(*pub);
  auto [sub, sub_args] = add<TopicSubscribeArguments>(
      *topic, "sub", "Print the messages of a topic as they come; the node stays in it",
      {"vivim topic sub /vivim/circles/family", "vivim topic sub /vivim/circles/family -c 1",
       "vivim topic sub /vivim/circles/family --json | jq -r .text"});
  sub->add_option("topic", sub_args->topic, "The topic")->required()->type_name("TOPIC");
  sub->add_option("-c,--count", sub_args->count, "End after so many")
      ->check(CLI::Range(1, 1'000'000).description(""))
      ->type_name("N");
  sub->add_flag("--all", sub_args->all, "Also the last ones that came before");
  add_common(*sub);
  auto [leave, leave_args] = add<TopicLeaveArguments>(*topic, "leave", "Leave a topic",
                                                      {"vivim topic leave /vivim/circles/family"});
  leave->add_option("topic", leave_args->topic, "The topic")->required()->type_name("TOPIC");
  add_common(*leave);
}

void Grammar::add_message_commands() {
  auto* message = app_.add_subcommand("message", "Messages from and to other nodes");
  message->require_subcommand(1);
  message->footer(
      "Examples:\n  vivim message send 12D3KooW... 'See you at eight'\n  vivim message list\n"
      "  vivim message rm 7");
  add_common(*message);

  auto [send, send_args] = add<MessageSendArguments>(
      *message, "send", "Send a message to another node, also when it is away",
      {"vivim message send 12D3KooW... 'See you at eight'",
       "vivim message send 12D3KooW... 'Now!' --priority critical --lifetime 600",
       "vivim message send 12D3KooW... 'Add 1' --delivery exactly-once --json | jq -r .id"});
  send->add_option("peer", send_args->peer, "The id of the other node")
      ->required()
      ->type_name("PEER");
  send->add_option("text", send_args->text, "What it says")->required()->type_name("TEXT");
  send->add_option("--priority", send_args->priority, "critical, high, normal or low")
      ->capture_default_str()
      ->check(CLI::IsMember({"critical", "high", "normal", "low"}).description(""))
      ->type_name("PRIORITY");
  send->add_option("--delivery", send_args->delivery, "best-effort, at-least-once or exactly-once")
      ->capture_default_str()
      ->check(CLI::IsMember({"best-effort", "at-least-once", "exactly-once"}).description(""))
      ->type_name("DELIVERY");
  send->add_option("--lifetime", send_args->lifetime,
                   "Seconds until nobody wants it any more (7 days)")
      ->check(CLI::Range(1, 14 * 24 * 3600).description(""))
      ->type_name("SECONDS");
  add_common(*send);

  auto [list, list_args] = add<MessageListArguments>(
      *message, "list", "What came, newest first, and what is on its way",
      {"vivim message list", "vivim message list --json | jq -r '.received[].text'"});
  list->add_option("--limit", list_args->limit, "How many")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000).description(""))
      ->type_name("N");
  add_common(*list);

  auto [remove, remove_args] = add<MessageRemoveArguments>(
      *message, "rm", "Remove a message that came", {"vivim message rm 7"});
  remove->add_option("number", remove_args->number, "Its number in the list")
      ->required()
      ->type_name("NUMBER");
  add_common(*remove);
}

void Grammar::add_circle_commands() {
  auto* circle = app_.add_subcommand("circle", "Groups that talk among themselves");
  circle->require_subcommand(1);
  circle->footer(
      "Examples:\n  vivim circle new family\n  vivim circle join 64-HEX-DIGITS family\n"
      "  vivim circle say 1f0c... 'Who comes?'\n  vivim message list");
  add_common(*circle);
  add_common(*add<CircleListArguments>(
                  *circle, "list", "The circles that this node is in",
                  {"vivim circle list", "vivim circle list --json | jq -r '.circles[0].secret'"})
                  .first);
  auto [make, make_args] = add<CircleNewArguments>(
      *circle, "new", "Make a circle, and print its secret: whoever has it is a member",
      {"vivim circle new family"});
  make->add_option("name", make_args->name, "What it is called here")
      ->required()
      ->type_name("NAME");
  add_common(*make);
  auto [join, join_args] = add<CircleJoinArguments>(*circle, "join", "Join the circle of a secret",
                                                    {"vivim circle join 64-HEX-DIGITS family"});
  join->add_option("secret", join_args->secret, "The circle's secret")
      ->required()
      ->type_name("SECRET");
  join->add_option("name", join_args->name, "What it is called here")->type_name("NAME");
  add_common(*join);
  auto [leave, leave_args] =
      add<CircleLeaveArguments>(*circle, "leave", "Leave a circle", {"vivim circle leave 1f0c..."});
  leave->add_option("id", leave_args->id, "Its id")->required()->type_name("ID");
  add_common(*leave);
  auto [say, say_args] =
      add<CircleSayArguments>(*circle, "say", "Say something to those of a circle who are there",
                              {"vivim circle say 1f0c... 'Who comes?'",
                               "vivim circle say 1f0c... 'Bread' --subtopic shopping"});
  say->add_option("id", say_args->id, "The circle's id")->required()->type_name("ID");
  say->add_option("text", say_args->text, "What to say")->required()->type_name("TEXT");
  say->add_option("--subtopic", say_args->subtopic, "Only to those who follow it")
      ->type_name("NAME");
  add_common(*say);
}

void Grammar::add_reading_commands() {
  auto [list, list_args] = add<ListArguments>(
      "ls", "List conversations",
      {"vivim ls", "vivim ls --sort title --all", "vivim ls --json | jq length"});
  list->add_option("--sort", list_args->sort, "newest, oldest or title")
      ->check(CLI::IsMember({"newest", "oldest", "title"}).description(""))
      ->type_name("ORDER");
  list->add_option("--limit", list_args->limit, "How many (50, or all with --json)")
      ->check(CLI::Range(1, 1'000'000).description(""))
      ->type_name("N");
  list->add_flag("--all", list_args->all, "All of them");
  add_common(*list);

  auto [show, show_args] =
      add<ShowArguments>("show", "Read a conversation",
                         {"vivim show 4k7qm2", "vivim show 4k7qm2 --branch 9d2f --hidden"});
  show->add_option("id", show_args->id, "The id, or its start")->required()->type_name("ID");
  show->add_option("--branch", show_args->branch, "Show the branch through this turn")
      ->type_name("TURN");
  show->add_flag("--hidden", show_args->hidden, "Also what the provider hid (tools, system)");
  add_common(*show);

  auto [search, search_args] =
      add<SearchArguments>("search", "Find words in all conversations",
                           {"vivim search holiday plans", "vivim search '\"exact words\"' --best",
                            "vivim search dogs -cats"});
  search->add_option("words", search_args->words, "Words, all of which must be there")
      ->required()
      ->type_name("WORDS");
  auto* newest = search->add_flag("--newest", search_args->newest, "Newest first (default)");
  search->add_flag("--best", search_args->best, "Best match first")->excludes(newest);
  search->add_option("--limit", search_args->limit, "How many")
      ->capture_default_str()
      ->check(CLI::Range(1, 200).description(""))
      ->type_name("N");
  add_common(*search);

  auto [save, save_args] = add<ExportArguments>("export", "Write a conversation to a file",
                                                {"vivim export 4k7qm2 --format html -o plans.html",
                                                 "vivim export 4k7qm2 --format json | jq .title"});
  save->add_option("id", save_args->id, "The id, or its start")->required()->type_name("ID");
  save->add_option("--format", save_args->format, "json, md or html")
      ->capture_default_str()
      ->check(CLI::IsMember({"json", "md", "html"}).description(""))
      ->type_name("FORMAT");
  save->add_option("-o,--output", save_args->output, "The file (default: standard output)")
      ->type_name("FILE");
  add_common(*save);
}

void Grammar::add_writing_commands() {
  auto [bring, bring_args] =
      add<ImportArguments>("import", "Bring in an export of ChatGPT or Claude",
                           {"vivim import ~/Downloads/chatgpt-export.zip",
                            "vivim import conversations.json", "vivim import ./unpacked-export"});
  bring->add_option("path", bring_args->path, "A zip, a folder, or conversations.json")
      ->required()
      ->type_name("FILE|DIR|ZIP");
  add_common(*bring);

  auto [make, make_args] =
      add<NewArguments>("new", "Begin a conversation", {"vivim new 'Holiday plans'"});
  make->add_option("title", make_args->title, "Its title")->type_name("TITLE");
  add_common(*make);

  auto [rename, rename_args] = add<RenameArguments>("rename", "Give a conversation another title",
                                                    {"vivim rename 4k7qm2 'Holiday plans'"});
  rename->add_option("id", rename_args->id, "The id, or its start")->required()->type_name("ID");
  rename->add_option("title", rename_args->title, "The title")->required()->type_name("TITLE");
  add_common(*rename);

  auto [remove, remove_args] = add<RemoveArguments>("rm", "Delete a conversation from this node",
                                                    {"vivim rm 4k7qm2", "vivim rm 4k7qm2 --yes"});
  remove->add_option("id", remove_args->id, "The id, or its start")->required()->type_name("ID");
  remove->add_flag("-y,--yes", remove_args->yes, "Do not ask");
  add_common(*remove);
}

void Grammar::add_sharing_commands() {
  auto [share, share_args] =
      add<ShareArguments>("share", "Make a ticket that lets another node have a conversation",
                          {"vivim share 4k7qm2", "vivim share 4k7qm2 --access read",
                           "vivim share 4k7qm2 --json | jq -r .ticket"});
  share->add_option("id", share_args->id, "The id, or its start")->required()->type_name("ID");
  share
      ->add_option("--access", share_args->access,
                   "What the ticket permits: write; contribute (add, and change one's own); read")
      ->check(CLI::IsMember({"write", "contribute", "read"}).description(""))
      ->type_name("ACCESS");
  add_common(*share);

  auto [join, join_args] =
      add<JoinArguments>("join", "Get the conversation of a ticket, and stay in sync with it",
                         {"vivim join vivim1..."});
  join->add_option("ticket", join_args->ticket, "What `vivim share` printed")
      ->required()
      ->type_name("TICKET");
  add_common(*join);

  auto [unshare, unshare_args] = add<UnshareArguments>(
      "unshare", "Take back every ticket of a conversation", {"vivim unshare 4k7qm2"});
  unshare->add_option("id", unshare_args->id, "The id, or its start")->required()->type_name("ID");
  add_common(*unshare);
}

void Grammar::add_sim_commands() {
  auto* sim = app_.add_subcommand("sim", "Play a whole network under virtual time, from a seed");
  sim->require_subcommand(1);
  sim->footer(
      "Examples:\n  vivim sim list\n  vivim sim run streams --nodes 100\n"
      "  vivim sim run chaos --seeds 50 --shrink");
  add_common(*sim);
  add_common(*add<SimListArguments>(*sim, "list", "The scenarios that this program has in itself",
                                    {"vivim sim list", "vivim sim list --json | jq -r .[].name"})
                  .first);
  auto [run, args] =
      add<SimRunArguments>(*sim, "run", "Play a scenario, and say what was measured",
                           {"vivim sim run streams", "vivim sim run chaos --seed 17 --nodes 6",
                            "vivim sim run chaos --seeds 100 --shrink --plots /tmp/plots",
                            "vivim sim run my-scenario.toml --json | jq .metrics"});
  run->add_option("scenario", args->scenario, "A name of `vivim sim list`, or a TOML file")
      ->required()
      ->type_name("NAME|FILE");
  run->add_option("--nodes", args->nodes, "How many nodes (as the scenario says)")
      ->check(CLI::Range(1, 20'000).description(""))
      ->type_name("N");
  run->add_option("--seconds", args->seconds, "Virtual time (as the scenario says)")
      ->check(CLI::Range(0.0, 1e9).description(""))
      ->type_name("S");
  run->add_option("--seed", args->seed, "What all chance follows from (1)")->type_name("N");
  run->add_option("--seeds", args->seeds, "So many seeds, from that one on (1)")
      ->check(CLI::Range(1, 1'000'000).description(""))
      ->type_name("N");
  run->add_option("--security", args->security,
                  "noise, or stand-in: proved but not enciphered (as the scenario says)")
      ->check(CLI::IsMember({"noise", "stand-in"}).description(""))
      ->type_name("KIND");
  run->add_option("--faults", args->faults, "Only these of the planned faults: 0-4,7 or none")
      ->type_name("LIST");
  run->add_option("--report", args->report, "Write the report as JSON")->type_name("FILE");
  run->add_option("--plots", args->plots, "Write what was measured as SVG plots")->type_name("DIR");
  run->add_option("--trace", args->trace, "Write every event, one a line")->type_name("FILE");
  run->add_flag("--twice", args->twice, "Play each seed twice: both must do the same");
  run->add_flag("--shrink", args->shrink, "Make the first failure smaller");
  add_common(*run);

  auto [targets, targets_args] = add<SimTargetsArguments>(
      *sim, "targets", "Play the scenarios of what the network promises, and print the table",
      {"vivim sim targets --quick", "vivim sim targets --write docs/targets.md",
       "vivim sim targets punch backlog", "vivim sim targets attacks --quick"});
  targets
      ->add_option("scenario", targets_args->only,
                   "Only the targets of these scenarios; attacks: those on gossip, long")
      ->type_name("NAME");
  targets->add_flag("--quick", targets_args->quick, "Fewer nodes, less time");
  targets->add_option("--write", targets_args->write, "Write the table as Markdown")
      ->type_name("FILE");
  add_common(*targets);
}

void Grammar::add_devnet_commands() {
  auto* devnet = app_.add_subcommand(
      "devnet", "Run several nodes on this machine, to build and try things on");
  devnet->require_subcommand(1);
  devnet->footer(
      "Examples:\n  vivim devnet up --nodes 5\n  vivim devnet status\n"
      "  vivim devnet logs relay\n  vivim devnet down");
  add_common(*devnet);
  const auto add_folder = [](CLI::App& command, std::string& folder) {
    command.add_option("--dir", folder, "The network's folder (HOME-devnet)")->type_name("DIR");
  };
  auto [up, up_args] = add<DevnetUpArguments>(
      *devnet, "up", "Make the nodes that are missing, and start those that do not run",
      {"vivim devnet up", "vivim devnet up --nodes 8 --dir /tmp/net",
       "vivim devnet up --json | jq -r .nodes[].http"});
  up->add_option("--nodes", up_args->nodes,
                 "How many (5): bootstrap, relay, pds, indexer, edge, then clients")
      ->check(CLI::Range(1, 64).description(""))
      ->type_name("N");
  add_folder(*up, up_args->folder);
  add_common(*up);
  auto [status, status_args] = add<DevnetStatusArguments>(
      *devnet, "status", "Which of them run, and where they listen", {"vivim devnet status"});
  add_folder(*status, status_args->folder);
  add_common(*status);
  auto [logs, logs_args] =
      add<DevnetLogsArguments>(*devnet, "logs", "What they logged last",
                               {"vivim devnet logs", "vivim devnet logs relay --lines 100"});
  logs->add_option("node", logs_args->node, "A name, or a role (all)")->type_name("NODE");
  logs->add_option("--lines", logs_args->lines, "How many of each (20)")
      ->check(CLI::Range(1, 100'000).description(""))
      ->type_name("N");
  add_folder(*logs, logs_args->folder);
  add_common(*logs);
  auto [down, down_args] = add<DevnetDownArguments>(
      *devnet, "down", "Stop them", {"vivim devnet down", "vivim devnet down --purge"});
  down->add_flag("--purge", down_args->purge, "Also remove their homes");
  add_folder(*down, down_args->folder);
  add_common(*down);
}

std::string Grammar::help_of(const std::string& name) {
  if (name.empty()) {
    return app_.help();
  }
  for (const auto* command : app_.get_subcommands({})) {
    if (command->get_name() == name) {
      return command->help("vivim");
    }
  }
  return "";
}

/// "vivim: what happened", and where to look.
Usage Grammar::wrong_usage(const CLI::ParseError& error) {
  std::string command;
  for (const auto* parsed : app_.get_subcommands()) {
    command = parsed->get_name() + " ";
  }
  std::string what = error.what();
  if (const auto line = what.find('\n'); line != what.npos) {
    what.resize(line);
  }
  return {.exit_code = 2, .text = "vivim: " + what + "\n  See: vivim " + command + "--help\n"};
}

std::expected<Arguments, Usage> Grammar::parse(std::vector<std::string> words) {
  if (words.empty()) {
    return std::unexpected(Usage{.exit_code = 2, .text = app_.help()});
  }
  if (words[0] == "help") {
    const std::string name = words.size() > 1 ? words[1] : "";
    const auto text = help_of(name);
    if (text.empty()) {
      return std::unexpected(
          Usage{.exit_code = 2,
                .text = "vivim: there is no command '" + name + "'\n  See: vivim --help\n"});
    }
    return std::unexpected(Usage{.exit_code = 0, .text = text});
  }
  if (words[0] == "--version") {
    return Arguments{.common = {}, .command = VersionArguments{}};
  }
  try {
    std::ranges::reverse(words);  // as CLI11 wants them
    app_.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    const auto commands = app_.get_subcommands();
    return std::unexpected(Usage{
        .exit_code = 0, .text = help_of(commands.empty() ? "" : commands.front()->get_name())});
  } catch (const CLI::ParseError& error) {
    return std::unexpected(wrong_usage(error));
  }
  return Arguments{.common = common_, .command = chosen_};
}

}  // namespace

std::expected<Arguments, Usage> parse_arguments(std::vector<std::string> words) {
  return Grammar().parse(std::move(words));
}

}  // namespace vivim::cli
