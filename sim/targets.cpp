#include "targets.hpp"

#include "real_peers.hpp"
#include "vivim/base/result.hpp"

namespace vivim::sim {

namespace {

constexpr std::string_view k_real_peers = "peers";
constexpr std::uint32_t k_real_peers_whole = 10'000;
constexpr std::size_t k_real_messages = 5;

std::string with_value(const std::string& figure, double value) {
  return figure + ": " + short_number(value);
}

}  // namespace

const std::vector<Target>& targets() {
  static const std::vector<Target> k_all{
      {.metric = "Direct connection of two nodes behind NATs, through a relay and a hole punch, "
                 "round trips of 100 ms",
       .mark = "< 2 s; p95 < 1 s (until it carries streams: reached; until it is direct: not)",
       .scenario = "punch",
       .figures = {"relayed connection p95 ms", "direct connection p50 ms",
                   "direct connection p95 ms", "direct connection max ms", "direct percent"},
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
       .quick_seconds = 10},
      {.metric = "DHT lookup of a peer, 1,000 nodes, round trips of 100 ms",
       .mark = "< 3 hops; median 2 or less, p95 < 1.5 s",
       .scenario = "lookups",
       .figures = {"lookup p50 hops", "lookup max hops", "lookup p95 ms", "found percent",
                   "contacts per node"},
       .quick_nodes = 60,
       .quick_seconds = 5},
      {.metric = "Content discovery in a DHT of 1,000 nodes, 30 % of which are gone; providing it",
       .mark = "< 5 s; p95 < 2 s; provide < 1 s",
       .scenario = "discovery",
       .figures = {"discovery p95 ms", "discovery max ms", "provide p95 ms", "found percent",
                   "provide while others are gone p95 ms"},
       .quick_nodes = 60,
       .quick_seconds = 5},
      {.metric = "Concurrent peers of one host: real sockets of the loopback interface, gossip "
                 "flows to all of them",
       .mark = "1,000+; 10,000",
       .scenario = std::string(k_real_peers),
       .figures = {"connections at once", "deliveries lost", "delivery p95 ms", "connect seconds"},
       .quick_nodes = 200},
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
      {.metric = "Speed of the simulator: 1,000 hosts with real yamux streams, 4,000 messages a "
                 "second in all",
       .mark = "5 times real time",
       .scenario = "streams",
       .figures = {"times real time", "connections per node"},
       .quick_nodes = 100,
       .quick_seconds = 5},
  };
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

Measured measure_real_peers(const Target& target, bool quick,
                            const std::function<void(const Progress&)>& progress) {
  Measured measured{.target = target,
                    .nodes = quick ? target.quick_nodes : k_real_peers_whole,
                    .security = SecurityKind::noise};
  const auto report = run_real_peers(measured.nodes, k_real_messages, progress);
  measured.failures = report.failures;
  measured.again = "vivim sim targets peers";
  show(target, report, measured);
  measured.figures +=
      ", " + short_number(static_cast<double>(report.memory_peak_bytes) / 1e6) + " MB for all";
  return measured;
}

}  // namespace

Outcome<Measured> measure(const Target& target, bool quick,
                          const std::function<void(const Progress&)>& progress) {
  if (target.scenario == k_real_peers) {
    return measure_real_peers(target, quick, progress);
  }
  VIVIM_TRY(auto scenario, find_scenario(target.scenario));
  if (quick && target.quick_nodes > 0) {
    scenario.nodes = target.quick_nodes;
  }
  if (quick && target.quick_seconds >= 0) {
    scenario.seconds = target.quick_seconds;
  }
  if (quick) {
    for (const auto& [name, value] : target.quick_with) {
      scenario.with[name] = value;
    }
  }
  Measured measured{.target = target,
                    .nodes = scenario.nodes,
                    .seeds = quick ? 1 : target.seeds,
                    .security = scenario.security};
  for (std::uint64_t n = 0; n < measured.seeds; ++n) {
    const RunOptions options{.seed = 1 + n, .progress = progress};
    VIVIM_TRY(const auto report, run_scenario(scenario, options));
    for (const auto& failure : report.failures) {
      measured.failures.push_back("seed " + std::to_string(options.seed) + ": " + failure);
      measured.again = replay(target, quick, scenario, options);
    }
    if (n == 0) {
      show(target, report, measured);
      if (measured.again.empty()) {
        measured.again = replay(target, quick, scenario, options);
      }
    }
  }
  if (measured.seeds > 1) {
    measured.figures = std::to_string(measured.seeds) + " seeds, " +
                       (measured.failures.empty() ? "all pass" : "not all pass") +
                       "; the first: " + measured.figures;
  }
  return measured;
}

std::string to_markdown(const std::vector<Measured>& all, bool quick) {
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
  out += "| Metric | Target | Measured | How |\n|---|---|---|---|\n";
  for (const auto& each : all) {
    std::string failures;
    for (const auto& failure : each.failures) {
      failures += " **Missed:** " + failure + ".";
    }
    out += "| " + each.target.metric + " | " + each.target.mark + " | " + each.figures + failures +
           " | `" + each.again + "` |\n";
  }
  return out;
}

}  // namespace vivim::sim
