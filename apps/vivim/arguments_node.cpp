// The words of commands about the node, and of what helps to build on it.
#include "apps/vivim/arguments_detail.hpp"

namespace vivim::cli {

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
                   "Only the targets of these scenarios; attacks: those on gossip, long; "
                   "large: the DHT with 10,000 nodes, 8 GB")
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

}  // namespace vivim::cli
