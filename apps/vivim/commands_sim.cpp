#include <cerrno>
#include <cstdio>
#include <fstream>

#include <sys/stat.h>

#include "apps/vivim/commands.hpp"
#include "apps/vivim/progress.hpp"
#include "apps/vivim/table.hpp"
#include "apps/vivim/text.hpp"
#include "apps/vivim/units.hpp"
#include "sim/runner.hpp"
#include "sim/targets.hpp"
#include "vivim/base/log.hpp"

namespace vivim::cli {

namespace {

constexpr std::size_t k_shrink_runs_max = 60;

Outcome<void> write_file(const std::string& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  if (!file) {
    return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                   .code = "cannot_write",
                                   .message = "Could not write " + path + ".",
                                   .hint = "Is there such a folder, and may you write to it?"});
  }
  return {};
}

/// Nothing where there is no such file.
std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// "connect ms" as the name of a file.
std::string file_name(std::string name) {
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    c = plain ? c : '-';
  }
  return name;
}

Outcome<void> write_plots(const std::string& folder, const sim::Report& report) {
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                   .code = "cannot_write",
                                   .message = "Could not make the folder " + folder + ".",
                                   .hint = "Is there the folder that it shall be in?"});
  }
  const auto path = [&](const std::string& name) {
    return folder + "/" + report.scenario + "-" + file_name(name) + ".svg";
  };
  for (const auto& [name, distribution] : report.distributions) {
    VIVIM_TRYV(write_file(path(name), sim::plot_distribution(name, distribution)));
  }
  for (const auto& [name, points] : report.series) {
    VIVIM_TRYV(write_file(path(name), sim::plot_series(name, points)));
  }
  return {};
}

/// What was asked for, over what the scenario says.
Outcome<sim::Scenario> scenario_of(const SimRunArguments& arguments) {
  VIVIM_TRY(auto scenario, sim::find_scenario(arguments.scenario));
  scenario.nodes = arguments.nodes.value_or(scenario.nodes);
  scenario.seconds = arguments.seconds.value_or(scenario.seconds);
  if (!arguments.security.empty()) {
    scenario.security =
        arguments.security == "noise" ? sim::SecurityKind::noise : sim::SecurityKind::stand_in;
  }
  return scenario;
}

Outcome<sim::RunOptions> options_of(const SimRunArguments& arguments) {
  sim::RunOptions options{.seed = arguments.seed, .trace_path = arguments.trace};
  if (!arguments.faults.empty()) {
    options.faults = sim::parse_ranges(arguments.faults);
    if (!options.faults) {
      return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                     .code = "bad_faults",
                                     .message = "'" + arguments.faults + "' is no list of faults.",
                                     .hint = "Write numbers and ranges: 0-4,7. Or: none"});
    }
  }
  return options;
}

/// Plays one seed, twice if wanted.
Outcome<sim::Report> play(const sim::Scenario& scenario, const sim::RunOptions& options,
                          bool twice) {
  VIVIM_TRY(auto report, sim::run_scenario(scenario, options));
  if (twice) {
    auto again = options;
    again.trace_path.clear();
    VIVIM_TRY(const auto second, sim::run_scenario(scenario, again));
    if (second.trace_hash != report.trace_hash || second.events != report.events) {
      report.failures.emplace_back("a second run of the same seed did something else");
    }
  }
  return report;
}

/// The words that play a failure again, smaller if wanted.
std::string tell_failure(const SimRunArguments& arguments, const sim::Scenario& scenario,
                         const sim::RunOptions& options, const sim::Report& report,
                         ProgressLine& line) {
  const auto again = [&](const sim::Scenario& which, const sim::RunOptions& how) {
    return "vivim sim run " + sim::replay_words(arguments.scenario, which, how);
  };
  if (!arguments.shrink) {
    return "  Again: " + again(scenario, options) + "\n";
  }
  const auto small = sim::shrink(scenario, options, report, k_shrink_runs_max,
                                 [&line](const std::string& step) { line.show_text(step); });
  return "  Smaller, after " + format_count_of(small.runs, "run") + ": " +
         again(small.scenario, small.options) + "\n" + to_text(small.report);
}

/// What many seeds come to: of each figure the sum, and the most of one seed.
class Totals {
 public:
  void add(const sim::Report& report) {
    for (const auto& [name, value] : report.metrics) {
      const auto place =
          std::ranges::find(figures_, name, [](const Figure& each) { return each.name; });
      auto& figure = place != figures_.end() ? *place : figures_.emplace_back(Figure{.name = name});
      figure.sum += value;
      figure.most = std::max(figure.most, value);
    }
    seconds_ += report.cpu_seconds;
  }
  std::string to_text(const Context& context) const {
    Table table({{.header = "FIGURE"},
                 {.header = "IN ALL", .align = Align::right},
                 {.header = "MOST OF A SEED", .align = Align::right}});
    for (const auto& figure : figures_) {
      table.add({figure.name, sim::short_number(figure.sum), sim::short_number(figure.most)});
    }
    table.add({"processor seconds", sim::short_number(seconds_), ""});
    return table.render(context.out);
  }

 private:
  struct Figure {
    std::string name;
    double sum = 0;
    double most = 0;
  };
  std::vector<Figure> figures_;
  double seconds_ = 0;
};

}  // namespace

Outcome<void> execute(Context& context, const SimListArguments&) {
  Table table({{.header = "SCENARIO", .style = Style::cyan},
               {.header = "NODES", .align = Align::right},
               {.header = "ABOUT"}});
  boost::json::array list;
  for (const auto& [name, text] : sim::built_in_scenarios()) {
    VIVIM_TRY(const auto scenario, sim::parse_scenario(text, name));
    table.add({name, format_count(scenario.nodes), one_line(scenario.about)});
    list.push_back(boost::json::object{{"name", name},
                                       {"kind", scenario.kind},
                                       {"about", scenario.about},
                                       {"nodes", scenario.nodes},
                                       {"seconds", scenario.seconds}});
  }
  if (context.common.json) {
    print_json(list);
  } else {
    print(table.render(context.out));
  }
  return {};
}

Outcome<void> execute(Context& context, const SimRunArguments& arguments) {
  VIVIM_TRY(const auto scenario, scenario_of(arguments));
  VIVIM_TRY(auto options, options_of(arguments));
  ProgressLine line(context.err, context.loop.clock());
  // Machines die here by the thousand: what their last moments log says nothing.
  log::set_sink([](auto&&...) {}, log::Level::error);
  std::uint64_t failed = 0;
  Totals totals;
  for (std::uint64_t n = 0; n < arguments.seeds; ++n) {
    options.seed = arguments.seed + n;
    options.progress = [&](const sim::Progress& progress) {
      line.show_text("seed " + std::to_string(options.seed) + ", " +
                     sim::short_number(progress.virtual_seconds) + " s: " + progress.doing);
    };
    VIVIM_TRY(const auto report, play(scenario, options, arguments.twice));
    totals.add(report);
    const bool bad = !report.failures.empty();
    failed += bad ? 1 : 0;
    if (!arguments.report.empty()) {
      VIVIM_TRYV(write_file(arguments.report, to_json(report) + "\n"));
    }
    if (!arguments.plots.empty()) {
      VIVIM_TRYV(write_plots(arguments.plots, report));
    }
    if (context.common.json) {
      print_json(to_json(report));
    } else if (bad || arguments.seeds == 1) {
      print(to_text(report));
    }
    if (bad) {
      const auto told = tell_failure(arguments, scenario, options, report, line);
      context.common.json ? (void)std::fputs(told.c_str(), stderr) : print(told);
      if (arguments.shrink) {
        break;
      }
    }
  }
  if (arguments.seeds > 1 && !context.common.json) {
    print(totals.to_text(context) + format_count_of(arguments.seeds, "seed") + ", " +
          format_count(failed) + " failed\n");
  }
  if (failed > 0) {
    return std::unexpected(Problem{.kind = ProblemKind::internal,
                                   .code = "scenario_failed",
                                   .message = "The scenario " + scenario.name + " failed.",
                                   .hint = ""});
  }
  return {};
}

Outcome<void> execute(Context& context, const SimTargetsArguments& arguments) {
  ProgressLine line(context.err, context.loop.clock());
  log::set_sink([](auto&&...) {}, log::Level::error);
  std::vector<sim::Measured> all;
  std::size_t missed = 0;
  boost::json::array list;
  std::string playing;
  sim::Measurer measurer(arguments.quick, [&](const sim::Progress& at) {
    line.show_text(playing + ", " + sim::short_number(at.virtual_seconds) + " s: " + at.doing);
  });
  for (const auto& target : sim::targets()) {
    const bool wanted = arguments.only.empty()
                            ? !target.attack() && !target.large
                            : std::ranges::any_of(arguments.only, [&](const std::string& name) {
                                return target.is(name);
                              });
    if (!wanted) {
      continue;
    }
    playing = target.scenario;
    VIVIM_TRY(auto measured, measurer.measure(target));
    missed += measured.failures.empty() ? 0 : 1;
    if (!context.common.json) {
      std::string text = styled(context.out, measured.failures.empty() ? Style::green : Style::red,
                                measured.failures.empty() ? "met     " : "missed  ") +
                         target.metric + "\n        target: " + target.mark +
                         "\n        measured: " + measured.figures + "\n";
      for (const auto& failure : measured.failures) {
        text += "        FAILED: " + failure + "\n";
      }
      print(text + "        how: " + measured.again + "\n");
    }
    list.push_back(boost::json::object{
        {"metric", target.metric},
        {"target", target.mark},
        {"scenario", target.scenario},
        {"measured", measured.figures},
        {"met", measured.failures.empty()},
        {"failures", boost::json::array(measured.failures.begin(), measured.failures.end())},
        {"how", measured.again}});
    all.push_back(std::move(measured));
  }
  if (context.common.json) {
    print_json(list);
  }
  if (!arguments.write.empty()) {
    VIVIM_TRYV(write_file(arguments.write,
                          sim::to_markdown(all, arguments.quick, read_file(arguments.write))));
  }
  if (missed > 0) {
    return std::unexpected(Problem{.kind = ProblemKind::internal,
                                   .code = "target_missed",
                                   .message = format_count_of(missed, "target") + " missed.",
                                   .hint = ""});
  }
  return {};
}

}  // namespace vivim::cli
