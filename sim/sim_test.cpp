// Scenario files, reports, and what a run promises: the same seed does the same.
#include <doctest/doctest.h>

#include "kinds.hpp"
#include "report.hpp"
#include "runner.hpp"
#include "scenario.hpp"
#include "targets.hpp"
#include "vivim/base/log.hpp"

using namespace vivim;
using namespace vivim::sim;

namespace {

/// Machines that die log what is of no interest.
const bool k_quiet = [] {
  log::set_sink([](auto&&...) {}, log::Level::error);
  return true;
}();

Scenario small(const std::string& name, std::uint32_t nodes, double seconds) {
  auto scenario = find_scenario(name).value();
  scenario.nodes = nodes;
  scenario.seconds = seconds;
  scenario.expect.clear();
  return scenario;
}

std::string message_of(std::string_view text) {
  const auto parsed = parse_scenario(text, "bad");
  return parsed ? "" : parsed.error().message;
}

}  // namespace

TEST_CASE("scenario: every built-in one is read, and says what it is about") {
  CHECK(built_in_scenarios().size() >= 5);
  for (const auto& [name, text] : built_in_scenarios()) {
    CAPTURE(name);
    const auto scenario = parse_scenario(text, name);
    REQUIRE(scenario);
    CHECK_FALSE(scenario->about.empty());
    CHECK(find_kind(scenario->kind) != nullptr);
  }
}

TEST_CASE("scenario: everything that a file can say") {
  const auto scenario = parse_scenario(R"(
about = "all of it"
kind = "streams"
nodes = 7
seconds = 1.5
security = "noise"
[network]
regions = true
round_trip_ms = 50
jitter_ms = 5
loss_percent = 0.5
upload_mbit = 20
download_mbit = 100
behind_nat_percent = 30
nat = "symmetric"
clock_skew_ms = 100
[faults]
crashes_per_hour = 1
power_share = 1
down_seconds = 2
cuts_per_hour = 3
isolations_per_hour = 4
splits_per_hour = 5
resets_per_hour = 6
cut_seconds = 7
lie = "clock"
[with]
connections = 4
[[expect]]
metric = "echo p95 ms"
at_most = 400
[[expect]]
metric = "echo count ms"
at_least = 1
at_most = 2
)",
                                       "all");
  REQUIRE(scenario);
  CHECK(scenario->name == "all");
  CHECK(scenario->nodes == 7);
  CHECK(scenario->duration() == from_ms(1500));
  CHECK(scenario->security == SecurityKind::noise);
  CHECK(scenario->network.regions);
  CHECK(scenario->network.behind_nat_percent == 30);
  CHECK(scenario->network.nat == "symmetric");
  CHECK(scenario->faults.crashes_per_hour == 1);
  CHECK(scenario->faults.down_mean == from_ms(2000));
  CHECK(scenario->faults.cut_mean == from_ms(7000));
  CHECK(scenario->lie == rt::sim::Lie::clock);
  CHECK(scenario->number("connections", 9) == 4);
  CHECK(scenario->number("other", 9) == 9);
  REQUIRE(scenario->expect.size() == 2);
  CHECK(scenario->expect[0].at_most == 400);
  CHECK_FALSE(scenario->expect[0].at_least);
}

TEST_CASE("scenario: what is wrong is said with its line") {
  CHECK(message_of("kind = \"streams\"\nnodes = 0") ==
        "Scenario bad, line 2: 'nodes' must be a number from 1 to 20000.");
  CHECK(message_of("nodes = 5").find("it has no 'kind'") != std::string::npos);
  CHECK(message_of("kind = \"x\"").find("there is no kind 'x'") != std::string::npos);
  CHECK(message_of("knd = \"x\"").find("there is no setting 'knd'") != std::string::npos);
  CHECK(message_of("[faults]\nstorms = 1").find("line 2: there is no setting 'storms'") !=
        std::string::npos);
  CHECK(message_of("[faults]\nlie = \"white\"").find("'lie' is none of") != std::string::npos);
  CHECK(message_of("[network]\nnat = \"odd\"").find("'nat' is none of") != std::string::npos);
  CHECK(message_of("[[expect]]\nmetric = \"m\"").find("[[expect]] needs") != std::string::npos);
  CHECK(message_of("security = \"none\"").find("noise or stand-in") != std::string::npos);
  CHECK(message_of("nodes = = 1").find("Scenario bad, line 1") != std::string::npos);
  CHECK(message_of(std::string(k_scenario_bytes_max + 1, '#')).find("more than 64 KiB") !=
        std::string::npos);
  const auto missing = find_scenario("nobody");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == ProblemKind::not_found);
}

TEST_CASE("report: figures of distributions, expectations, text, JSON and plots") {
  Report report{.scenario = "test", .seed = 3, .nodes = 2, .virtual_seconds = 10, .cpu_seconds = 2};
  for (int i = 1; i <= 100; ++i) {
    report.distributions["reply ms"].add(i);
  }
  report.series["open <things>"] = {{.seconds = 1, .value = 2}, {.seconds = 2, .value = 4}};
  report.set("lost", 1);
  report.finish({{.metric = "reply p95 ms", .at_most = 95.0},
                 {.metric = "reply max ms", .at_most = 99.0},
                 {.metric = "lost", .at_least = 2.0},
                 {.metric = "nothing", .at_most = 1.0}});
  CHECK(report.find("reply p50 ms") == 50);
  CHECK(report.find("reply p99 ms") == 99);
  CHECK(report.find("reply mean ms") == 50.5);
  REQUIRE(report.failures.size() == 3);
  CHECK(report.failures[0] == "reply max ms is 100, expected at most 99");
  CHECK(report.failures[1] == "lost is 1, expected at least 2");
  CHECK(report.failures[2] == "there is no figure 'nothing'");
  const auto text = to_text(report);
  CHECK(text.find("stand-in (proved, not enciphered)") != std::string::npos);
  CHECK(text.find("FAILED: lost is 1") != std::string::npos);
  const auto json = to_json(report);
  CHECK(json.find("\"passed\":false") != std::string::npos);
  CHECK(json.find("\"security\":\"stand-in\"") != std::string::npos);
  const auto plot = plot_series("open <things>", report.series["open <things>"]);
  CHECK(plot.starts_with("<svg "));
  CHECK(plot.ends_with("</svg>\n"));
  CHECK(plot.find("open &lt;things&gt;") != std::string::npos);
  CHECK(plot_distribution("reply ms", report.distributions["reply ms"]).ends_with("</svg>\n"));
  CHECK(plot_distribution("none", Distribution()).ends_with("</svg>\n"));
  CHECK(short_number(1234567) == "1,234,567");
  CHECK(short_number(0.01234) == "0.0123");
  CHECK(short_number(-1234.4) == "-1,234");
}

TEST_CASE("ranges: lists of faults as they are typed") {
  CHECK(to_ranges({0, 1, 2, 5, 7, 8}) == "0-2,5,7-8");
  CHECK(parse_ranges("0-2,5,7-8") == std::set<std::size_t>{0, 1, 2, 5, 7, 8});
  CHECK(parse_ranges("none") == std::set<std::size_t>());
  for (const auto* bad : {"", "a", "1-", "3-1", "1,,2", "1;2", "0-99999999999", "1,"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_ranges(bad));
  }
}

TEST_CASE("runs: the same seed has the same trace, in every kind, and another seed another" *
          doctest::test_suite("long")) {
  struct Case {
    const char* name;
    std::uint32_t nodes;
    double seconds;
  };
  for (const auto& [name, nodes, seconds] :
       {Case{"streams", 30, 3}, Case{"documents", 3, 10}, Case{"punch", 6, 3},
        Case{"availability", 4, 3000}, Case{"chaos", 3, 8}, Case{"discovery", 25, 3},
        Case{"dht-prefix", 15, 3}}) {
    CAPTURE(name);
    const auto scenario = small(name, nodes, seconds);
    const auto first = run_scenario(scenario, {.seed = 5}).value();
    const auto second = run_scenario(scenario, {.seed = 5}).value();
    const auto other = run_scenario(scenario, {.seed = 6}).value();
    CHECK(first.failures.empty());
    CHECK(first.events > 100);
    CHECK(first.trace_hash == second.trace_hash);
    CHECK(first.events == second.events);
    CHECK(first.trace_hash != other.trace_hash);
  }
}

TEST_CASE("chaos: what holds in an honest world is seen to fail in one that lies" *
          doctest::test_suite("long")) {
  using rt::sim::Lie;
  struct Case {
    Lie lie;
    const char* about;     ///< which of the four is played alone
    const char* interval;  ///< and how often
  };
  for (const auto& [lie, about, interval] : {Case{Lie::disk, "documents", "edit_interval_ms"},
                                             Case{Lie::disk, "messages", "message_interval_ms"},
                                             Case{Lie::disk, "circle", "circle_interval_ms"},
                                             Case{Lie::disk, "records", "record_interval_ms"},
                                             Case{Lie::random, "messages", "message_interval_ms"},
                                             Case{Lie::random, "circle", "circle_interval_ms"},
                                             Case{Lie::clock, "messages", "message_interval_ms"},
                                             Case{Lie::clock, "records", "record_interval_ms"}}) {
    CAPTURE(std::string(about));
    CAPTURE(static_cast<int>(lie));
    auto scenario = small("chaos", 4, 20);
    for (auto& [name, value] : scenario.with) {
      value = name.ends_with("_interval_ms") && name != interval ? 0 : value;
    }
    scenario.with["heal_seconds"] = 300;
    bool noticed = false;
    for (std::uint64_t seed = 1; seed <= 80 && !noticed; ++seed) {
      scenario.lie = lie;
      const auto lied = run_scenario(scenario, {.seed = seed}).value();
      noticed = std::ranges::any_of(lied.failures, [about](const std::string& failure) {
        return failure.starts_with(std::string(about) + ": ");
      });
      if (noticed) {
        scenario.lie = Lie::none;
        CHECK(run_scenario(scenario, {.seed = seed}).value().failures.empty());
      }
    }
    CHECK(noticed);
  }
}

TEST_CASE("runs: the report says how connections were secured, and both ways work") {
  auto scenario = small("streams", 10, 2);
  CHECK(run_scenario(scenario, {}).value().security == SecurityKind::stand_in);
  scenario.security = SecurityKind::noise;
  const auto report = run_scenario(scenario, {}).value();
  CHECK(report.security == SecurityKind::noise);
  CHECK(report.failures.empty());
  CHECK(report.find("echoes failed") == 0);
}

TEST_CASE("shrink: a failure gets smaller, and its words play it again") {
  auto scenario = small("streams", 32, 4);
  scenario.expect = {{.metric = "echo count ms", .at_most = 3.0}};
  const RunOptions options{.seed = 2};
  const auto failed = run_scenario(scenario, options).value();
  REQUIRE_FALSE(failed.failures.empty());
  std::size_t steps = 0;
  const auto shrunk =
      shrink(scenario, options, failed, 20, [&steps](const std::string&) { ++steps; });
  CHECK(shrunk.runs == steps);
  CHECK(shrunk.runs <= 20);
  CHECK(shrunk.scenario.nodes < 8);
  CHECK(shrunk.scenario.seconds <= 4);
  CHECK_FALSE(shrunk.report.failures.empty());
  CHECK(replay_words("streams", shrunk.scenario, shrunk.options).starts_with("streams --nodes "));
  const auto again = run_scenario(shrunk.scenario, shrunk.options).value();
  CHECK(again.trace_hash == shrunk.report.trace_hash);
}

TEST_CASE("shrink: faults that are not needed are left out") {
  auto scenario = small("documents", 2, 20);
  const RunOptions options{.seed = 3};
  auto failed = run_scenario(scenario, options).value();
  REQUIRE(failed.faults_planned > 4);
  REQUIRE(failed.failures.empty());
  scenario.expect = {{.metric = "edits acknowledged", .at_most = 1.0}};  // fails without any fault
  failed = run_scenario(scenario, options).value();
  const auto shrunk = shrink(scenario, options, failed, 40, [](const std::string&) {});
  CHECK(shrunk.report.faults_applied == 0);
  if (shrunk.report.faults_planned > 0) {
    CHECK(replay_words("documents", shrunk.scenario, shrunk.options).ends_with("--faults none"));
  }
}

TEST_CASE("targets: the file keeps the lines of what was not measured") {
  const auto target = [](std::string_view scenario) {
    return *std::ranges::find(targets(), scenario, &Target::scenario);
  };
  const Measured punch{.target = target("punch"), .figures = "one: 1", .again = "again"};
  const Measured dawn{.target = target("attack-dawn"), .cells = {"2", "3"}, .again = "again"};
  const auto first = to_markdown({punch, dawn}, false, "");
  CHECK(first.find("| one: 1 | `again` |\n") != std::string::npos);
  CHECK(first.find("| 2 | 3 | `again` |\n") != std::string::npos);

  Measured later = punch;
  later.figures = "one: 2";
  later.failures = {"it was slow"};
  const auto second = to_markdown({later}, false, first);
  CHECK(second.find("| one: 2 **Missed:** it was slow. | `again` |\n") != std::string::npos);
  CHECK(second.find("one: 1") == std::string::npos);
  CHECK(second.find("| 2 | 3 | `again` |\n") != std::string::npos);
  CHECK(to_markdown({}, false, second) == second);
}

TEST_CASE("attacks: sybils who are there first do not hold up what honest nodes say" *
          doctest::test_suite("long")) {
  auto scenario = find_scenario("attack-dawn").value();
  scenario.nodes = 30;
  scenario.seconds = 8;
  const auto report = run_scenario(scenario, {.seed = 3}).value();
  CHECK(report.failures.empty());
  CHECK(report.find("sybils connected with a node at first").value_or(0) > 50);
  CHECK(report.find("deliveries expected").value_or(0) > 500);
}
