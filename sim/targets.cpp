#include "targets.hpp"

#include <algorithm>
#include <iterator>

#include "real_peers.hpp"
#include "vivim/base/result.hpp"

namespace vivim::sim {

namespace {

constexpr std::string_view k_real_peers = "peers";
constexpr std::uint32_t k_real_peers_whole = 10'000;
constexpr std::size_t k_real_messages = 20;

constexpr std::uint32_t k_attacked_nodes = 1000;
constexpr std::uint32_t k_attacked_nodes_quick = 50;
constexpr std::string_view k_attack_p99 = "propagation p99 ms";

Target attack(std::string name, std::string what, double quick_seconds = 20,
              std::map<std::string, double> quick_with = {}) {
  return {.metric = std::move(what),
          .mark = "p99 at most twice that without an attack, none lost",
          .scenario = "attack-" + std::move(name),
          .figures = {"propagation p50 ms", "propagation p99 ms", "propagation max ms",
                      "deliveries lost", "deliveries expected"},
          .whole_nodes = k_attacked_nodes,
          .quick_nodes = k_attacked_nodes_quick,
          .quick_seconds = quick_seconds,
          .quick_with = std::move(quick_with),
          .baseline = "attack-none"};
}

/// The attacks of the evaluation of gossipsub's hardening, and one of our own, the last.
std::vector<Target> attacks() {
  const std::map<std::string, double> sooner{{"flash_after_seconds", 50}};
  return {
      attack("eclipse-one", "Eclipse of one publisher"),
      attack("eclipse-publishers", "Eclipse of the publishers"),
      attack("eclipse-network", "Eclipse of the whole network"),
      attack("censor", "Censorship of one publisher"),
      attack("degrade", "Degradation: every second message is dropped"),
      attack("cold-boot", "Cold boot: sybils join together with the network"),
      attack("cold-boot-grafts", "Cold boot, opportunistic grafting every 10 s"),
      attack("covert-flash", "Covert flash: sybils behave, then drop all", 40, sooner),
      attack("covert-flash-grafts", "Covert flash, opportunistic grafting every 10 s", 40, sooner),
      attack("dawn", "Attack at dawn: sybils are there first"),
      attack("dawn-grafts", "Attack at dawn, opportunistic grafting every 10 s"),
      attack("colocation", "IP colocation: 160 sybils at an address"),
      attack("flash-censor", "Covert flash of censorship of one publisher")};
}

std::string with_value(const std::string& figure, double value) {
  return figure + ": " + short_number(value);
}

Target whole_nodes() {
  return {.metric =
              "Convergence of whole nodes under the same: documents, messages between nodes and "
              "in a circle, DHT records; 4 nodes, each seed 20 seconds of faults",
          .mark =
              "1,000 seeds converge, nothing acknowledged is lost, what is exactly once has its "
              "effect once",
          .scenario = "chaos",
          .figures = {"edits acknowledged", "messages acknowledged", "circle messages acknowledged",
                      "records acknowledged", "converged after s"},
          .quick_seconds = 10,
          .seeds = 1'000};
}

std::vector<Target> dht_targets() {
  return {
      {.metric = "DHT lookup of a peer, 1,000 nodes, round trips of 100 ms",
       .mark = "< 3 hops; median 2 or less, p95 < 1.5 s",
       .scenario = "lookups",
       .figures = {"lookup p50 hops", "lookup p95 hops", "lookup max hops", "lookup p95 ms",
                   "found percent", "contacts per node", "resident MB per node at most"},
       .quick_nodes = 60,
       .quick_seconds = 5},
      {.metric = "The same, 10,000 nodes",
       .mark = "< 3 hops; median 2 or less, p95 < 1.5 s; 8 GB: 0.8 MB each",
       .scenario = "lookups",
       .figures = {"lookup p50 hops", "lookup p95 hops", "lookup max hops", "lookup p95 ms",
                   "found percent", "contacts per node", "resident MB per node at most"},
       .whole_nodes = 10'000,
       .quick_nodes = 60,
       .large = true},
      {.metric = "Content discovery in a DHT of 1,000 nodes, 30 % of which are gone; providing it, "
                 "before they go and while they are gone",
       .mark = "< 5 s; p95 < 2 s; provide < 1 s",
       .scenario = "discovery",
       .figures = {"discovery p95 ms", "discovery max ms", "late discovery p95 ms",
                   "late discovery max ms", "provide p95 ms",
                   "provide while others are gone p95 ms", "found percent"},
       .quick_nodes = 60,
       .quick_seconds = 5},
      {.metric = "DHT lookups of content, 100 nodes, 24 sybils around each key tell of false "
                 "providers; the plain algorithm in the same network",
       .mark = "95 % succeed where the plain one fails",
       .scenario = "dht-false-providers",
       .figures = {"ours succeeds percent", "plain succeeds percent", "ours lookup p95 ms"},
       .quick_nodes = 60,
       .quick_seconds = 5,
       .quick_with = {{"keys", 1}, {"lookups", 50}}},
      {.metric = "DHT lookups of values, 100 nodes, 24 sybils around each key censor it",
       .mark = "95 % succeed where the plain one fails",
       .scenario = "dht-censor",
       .figures = {"ours succeeds percent", "plain succeeds percent", "ours lookup p95 ms"},
       .quick_nodes = 60,
       .quick_seconds = 5,
       .quick_with = {{"keys", 1}, {"lookups", 50}}},
      {.metric = "DHT lookups of content, 100 nodes, 80 sybils of two address prefixes fill the "
                 "buckets",
       .mark = "95 % succeed where the plain one fails",
       .scenario = "dht-prefix",
       .figures = {"ours succeeds percent", "plain succeeds percent", "ours lookup p95 ms"},
       .quick_nodes = 60,
       .quick_seconds = 5},
  };
}

std::vector<Target> promises() {
  return {
      {.metric = "Connection of two nodes behind NATs: found in the DHT, through a relay, then "
                 "directly by a hole punch; round trips of 100 ms",
       .mark = "carries streams: p95 < 1 s; direct: < 2 s",
       .scenario = "punch",
       .figures = {"lookup p95 ms", "relayed connection p95 ms", "relayed connection max ms",
                   "direct connection p50 ms", "direct connection p95 ms",
                   "direct connection max ms", "direct percent"},
       .quick_nodes = 12},
      {.metric = "CRDT sync of a backlog of 10,000 edits, a round trip of 100 ms",
       .mark = "< 1 s; < 400 ms",
       .scenario = "backlog",
       .figures = {"sync max ms", "sync from dial max ms", "update bytes"},
       .quick_with = {{"edits", 1'500}}},
      {.metric = "Message propagation, 1,000 nodes in five regions, 20 % churn an hour",
       .mark = "p95 < 500 ms; p99 < 400 ms and no message lost",
       .scenario = "propagation",
       .figures = {"propagation p50 ms", "propagation p95 ms", "propagation p99 ms",
                   "deliveries lost", "deliveries expected", "times real time"},
       .quick_nodes = 60,
       .quick_seconds = 10,
       .seeds = 5},
      {.metric = "Concurrent peers of one host: real sockets of the loopback interface, gossip "
                 "flows to all of them",
       .mark = "1,000+; 10,000",
       .scenario = std::string(k_real_peers),
       .figures = {"connections at once", "deliveries expected", "deliveries lost",
                   "messages of others lost", "delivery p50 ms", "delivery p95 ms",
                   "processor ms per message of all", "connect seconds"},
       .quick_nodes = 1000},
      {.metric = "Availability of a shared document over 90 days, servers crash and are cut off "
                 "twice a week each; a user's own data",
       .mark = "99.9 %; 100 %",
       .scenario = "availability",
       .figures = {"available percent", "own data percent", "probes", "arrival p95 ms", "days"},
       .quick_seconds = 3 * 86'400},
      {.metric =
           "Convergence under partitions, crashes with torn writes, and wrong clocks: 5 nodes, "
           "3 documents, each seed a minute",
       .mark = "every seed converges, nothing acknowledged is lost",
       .scenario = "documents",
       .figures = {"edits acknowledged", "converged after s"},
       .quick_nodes = 3,
       .quick_seconds = 20,
       .seeds = 30},
      whole_nodes(),
      {.metric = "Speed of the simulator: 1,000 hosts with real yamux streams, 4,000 messages a "
                 "second in all",
       .mark = "5 times real time",
       .scenario = "streams",
       .figures = {"times real time", "connections per node"},
       .quick_nodes = 100,
       .quick_seconds = 5},
  };
}

}  // namespace

const std::vector<Target>& targets() {
  static const std::vector<Target> k_all = [] {
    auto all = promises();
    std::ranges::move(dht_targets(), std::back_inserter(all));
    std::ranges::move(attacks(), std::back_inserter(all));
    return all;
  }();
  return k_all;
}

namespace {

void show(const Target& target, const Report& report, Measured& measured) {
  for (const auto& figure : target.figures) {
    const auto value = report.find(figure);
    measured.figures += (measured.figures.empty() ? "" : ", ") +
                        (value ? with_value(figure, *value) : figure + " -");
  }
}

/// The command that plays it again.
std::string replay(const Target& target, bool quick, const Scenario& scenario,
                   const RunOptions& options) {
  return quick && !target.quick_with.empty()
             ? "vivim sim targets --quick " + target.scenario
             : "vivim sim run " + replay_words(target.scenario, scenario, options);
}

}  // namespace

Measured Measurer::measure_real_peers(const Target& target) const {
  Measured measured{.target = target,
                    .nodes = quick_ ? target.quick_nodes : k_real_peers_whole,
                    .security = SecurityKind::noise};
  const auto report = run_real_peers(measured.nodes, k_real_messages, progress_);
  measured.failures = report.failures;
  measured.again = "vivim sim targets peers";
  show(target, report, measured);
  measured.figures += ", " + short_number(static_cast<double>(report.memory_peak_bytes) / 1e6) +
                      " MB in the process of the host";
  return measured;
}

Outcome<Scenario> Measurer::scenario_of(const Target& target, const std::string& name) const {
  VIVIM_TRY(auto scenario, find_scenario(name));
  const std::uint32_t nodes = quick_ ? target.quick_nodes : target.whole_nodes;
  if (nodes > 0) {
    scenario.nodes = nodes;
  }
  if (quick_ && target.quick_seconds >= 0) {
    scenario.seconds = target.quick_seconds;
  }
  if (quick_) {
    for (const auto& [key, value] : target.quick_with) {
      scenario.with[key] = value;
    }
  }
  return scenario;
}

Outcome<Measured> Measurer::measure_attack(const Target& target) {
  const RunOptions options{.progress = progress_};
  if (!baselines_.contains(target.baseline)) {
    VIVIM_TRY(auto quiet, scenario_of(target, target.baseline));
    VIVIM_TRY(auto report, run_scenario(quiet, options));
    baselines_.emplace(target.baseline, std::move(report));
  }
  const Report& without = baselines_.at(target.baseline);
  VIVIM_TRY(auto scenario, scenario_of(target, target.scenario));
  scenario.expect.clear();  // of another size; what counts is below
  VIVIM_TRY(const auto report, run_scenario(scenario, options));
  Measured measured{.target = target, .nodes = scenario.nodes, .security = scenario.security};
  show(target, report, measured);
  const double p99 = report.find(k_attack_p99).value_or(0);
  const double before = without.find(k_attack_p99).value_or(0);
  const double lost =
      report.find("deliveries lost").value_or(1) + without.find("deliveries lost").value_or(1);
  const auto aimed = report.find("from and to the target p99 ms");
  measured.failures = report.failures;
  for (const auto& [what, value] :
       {std::pair("propagation", p99), std::pair("from and to the target", aimed.value_or(0))}) {
    if (value > k_attack_ratio_max * before) {
      measured.failures.push_back(std::string(what) + " p99 is " + short_number(value) + " ms, " +
                                  short_number(before) + " ms without the attack");
    }
  }
  if (lost > 0) {
    measured.failures.push_back(short_number(lost) + " deliveries lost");
  }
  const auto figure = [&report](const std::string& name) {
    const auto value = report.find(name);
    return value ? short_number(*value) : std::string("-");
  };
  measured.cells = {short_number(scenario.nodes) + " + " +
                        short_number(scenario.number("sybils_per_node", 0) * scenario.nodes),
                    figure("sybils connected with a node at first") + ", " +
                        figure("sybils in the mesh of a node at first"),
                    short_number(before),
                    short_number(p99) + (aimed ? " (target: " + short_number(*aimed) + ")" : ""),
                    short_number(before > 0 ? p99 / before : 0),
                    figure("deliveries lost") + " of " + figure("deliveries expected")};
  measured.figures += ", p99 without the attack ms: " + short_number(before);
  measured.again = replay(target, quick_, scenario, options);
  return measured;
}

Outcome<Measured> Measurer::measure(const Target& target) {
  if (target.scenario == k_real_peers) {
    return measure_real_peers(target);
  }
  if (target.attack()) {
    return measure_attack(target);
  }
  VIVIM_TRY(const auto scenario, scenario_of(target, target.scenario));
  Measured measured{.target = target,
                    .nodes = scenario.nodes,
                    .seeds = quick_ ? 1 : target.seeds,
                    .security = scenario.security};
  for (std::uint64_t n = 0; n < measured.seeds; ++n) {
    const RunOptions options{.seed = 1 + n, .progress = progress_};
    VIVIM_TRY(const auto report, run_scenario(scenario, options));
    for (const auto& failure : report.failures) {
      measured.failures.push_back("seed " + std::to_string(options.seed) + ": " + failure);
      measured.again = replay(target, quick_, scenario, options);
    }
    if (n == 0) {
      show(target, report, measured);
      if (measured.again.empty()) {
        measured.again = replay(target, quick_, scenario, options);
      }
    }
  }
  if (measured.seeds > 1) {
    measured.figures = std::to_string(measured.seeds) + " seeds, " +
                       (measured.failures.empty() ? "all pass" : "not all pass") +
                       "; the first: " + measured.figures;
    if (measured.failures.empty()) {
      measured.again += " --seeds " + std::to_string(measured.seeds);
    }
  }
  return measured;
}

namespace {

/// What a line of the tables is about: its first cell.
std::string_view first_cell(std::string_view line) {
  constexpr std::string_view k_bar = " |";
  if (!line.starts_with("| ")) {
    return {};
  }
  line.remove_prefix(2);
  const auto end = line.find(k_bar);
  return end == std::string_view::npos ? std::string_view() : line.substr(0, end);
}

/// The line of `before` about this, with its end; empty: none.
std::string line_of(std::string_view before, std::string_view metric) {
  while (!before.empty()) {
    const auto end = std::min(before.find('\n'), before.size());
    const auto line = before.substr(0, end);
    if (first_cell(line) == metric) {
      return std::string(line) + "\n";
    }
    before.remove_prefix(std::min(end + 1, before.size()));
  }
  return {};
}

std::string line_of(const Measured& measured) {
  std::string failures;
  for (const auto& failure : measured.failures) {
    failures += " **Missed:** " + failure + ".";
  }
  const std::string how = " | `" + measured.again + "` |\n";
  if (!measured.target.attack()) {
    return "| " + measured.target.metric + " | " + measured.target.mark + " | " + measured.figures +
           failures + how;
  }
  std::string line = "| " + measured.target.metric;
  for (const auto& cell : measured.cells) {
    line += " | " + cell;
  }
  return line + failures + how;
}

std::string lines_of(const std::vector<Measured>& all, bool attacks, std::string_view before) {
  std::string lines;
  for (const auto& target : targets()) {
    if (target.attack() != attacks) {
      continue;
    }
    const auto found = std::ranges::find(all, target.metric,
                                         [](const Measured& each) { return each.target.metric; });
    lines += found == all.end() ? line_of(before, target.metric) : line_of(*found);
  }
  return lines;
}

}  // namespace

std::string to_markdown(const std::vector<Measured>& all, bool quick, std::string_view before) {
  std::string out =
      "# Targets\n\n"
      "What the network promises, and what the scenarios of `sim/scenarios/` measured. Written by "
      "`make targets`, which fails where a target is missed. Times are virtual: they say what the "
      "protocols need on a network like the one described, not how fast this machine is; speed of "
      "the simulator alone is real. \"stand-in\" says that peers were proved but nothing was "
      "enciphered ([docs/simulator.md](simulator.md)).\n\n";
  if (quick) {
    out += "This is a **quick** run (`make targets ARGS=--quick`): fewer nodes, less time.\n\n";
  }
  out += "| Metric | Target | Measured | How |\n|---|---|---|---|\n" + lines_of(all, false, before);
  const auto attacked = lines_of(all, true, before);
  if (!attacked.empty()) {
    out +=
        "\n## Gossip under attack\n\n"
        "The configurations of the evaluation of gossipsub's hardening: a tenth of the honest "
        "nodes "
        "publish, with four sybils for each of them. What honest nodes get has to come within "
        "twice "
        "the p99 of the same network without an attack, and all of it. Honest nodes are whole; a "
        "sybil is a whole host with an attacker in place of gossipsub. Written by `vivim sim "
        "targets attacks --write docs/targets.md`, which takes long; a name of a scenario in place "
        "of \"attacks\" plays that one.\n\n"
        "| Attack | Honest + sybils | Sybils connected with a node, and in its mesh, when "
        "publishing begins | p99 without it, ms | p99 under it, ms | Times | Lost | How |\n"
        "|---|---|---|---|---|---|---|---|\n" +
        attacked;
  }
  return out;
}

}  // namespace vivim::sim
