#include "runner.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <exception>
#include <fstream>
#include <memory>

#include <malloc.h>

#include "kinds.hpp"
#include "stage.hpp"
#include "vivim/base/log.hpp"

namespace vivim::sim {

double processor_seconds() {
  std::timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void reset_memory_peak() {
  ::malloc_trim(0);  // what an earlier run has given back
  std::ofstream("/proc/self/clear_refs") << "5";
}

namespace {

/// A figure of the kernel about this process: "VmHWM:".
std::uint64_t status_bytes(std::string_view name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == name) {
      std::uint64_t kib = 0;
      status >> kib;
      return kib * 1024;
    }
  }
  return 0;
}

}  // namespace

std::uint64_t memory_bytes() {
  return status_bytes("VmRSS:");
}

std::uint64_t memory_peak_bytes() {
  return status_bytes("VmHWM:");
}

namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

void play(const Scenario& scenario, const RunOptions& options, Report& report, std::FILE* trace) {
  Stage stage(scenario, options, report);
  auto& engine = stage.world().engine();
  if (trace != nullptr) {
    engine.set_trace_sink([trace, &engine](std::uint64_t what, std::uint64_t a, std::uint64_t b) {
      std::fprintf(trace, "%lld %llx %llx %llx\n",
                   static_cast<long long>(engine.now().time_since_epoch().count()),
                   static_cast<unsigned long long>(what), static_cast<unsigned long long>(a),
                   static_cast<unsigned long long>(b));
    });
  }
  try {
    find_kind(scenario.kind)->play(stage);
  } catch (const std::exception& error) {
    report.failures.emplace_back(error.what());
  }
  report.virtual_seconds = stage.seconds();
  report.events = engine.events_run();
  report.trace_hash = stage.world().trace_hash();
}

}  // namespace

Outcome<Report> run_scenario(const Scenario& scenario, const RunOptions& options) {
  const File trace(
      options.trace_path.empty() ? nullptr : std::fopen(options.trace_path.c_str(), "w"),
      [](std::FILE* file) { return file == nullptr ? 0 : std::fclose(file); });
  if (!options.trace_path.empty() && trace == nullptr) {
    return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                   .code = "no_trace_file",
                                   .message = "Could not write " + options.trace_path + ".",
                                   .hint = "Is there such a folder, and may you write to it?"});
  }
  Report report{.scenario = scenario.name,
                .about = scenario.about,
                .seed = options.seed,
                .nodes = scenario.nodes,
                .security = scenario.security};
  reset_memory_peak();
  const double begin = processor_seconds();
  play(scenario, options, report, trace.get());
  report.cpu_seconds = processor_seconds() - begin;
  report.memory_peak_bytes = memory_peak_bytes();
  report.finish(scenario.expect);
  return report;
}

namespace {

/// Tries smaller scenarios and keeps those that fail.
class Shrinker {
 public:
  Shrinker(Shrunk& best, std::size_t runs_max, const std::function<void(const std::string&)>& tell)
      : best_(best), runs_max_(runs_max), tell_(tell) {}

  void run() {
    halve_nodes();
    halve_time();
    drop_faults();
  }

 private:
  bool try_one(const Scenario& scenario, const RunOptions& options, const std::string& what) {
    if (best_.runs >= runs_max_) {
      return false;
    }
    ++best_.runs;
    auto report = run_scenario(scenario, options);
    const bool fails = report && !report->failures.empty();
    tell_(what + (fails ? ": still fails" : ": passes"));
    if (fails) {
      best_.scenario = scenario;
      best_.options = options;
      best_.report = std::move(*report);
    }
    return fails;
  }

  void halve_nodes() {
    for (auto nodes = best_.scenario.nodes / 2; nodes >= 2; nodes /= 2) {
      auto smaller = best_.scenario;
      smaller.nodes = nodes;
      if (!try_one(smaller, best_.options, std::to_string(nodes) + " nodes")) {
        return;
      }
    }
  }

  void halve_time() {
    for (double seconds = best_.scenario.seconds / 2; seconds >= 1; seconds /= 2) {
      auto shorter = best_.scenario;
      shorter.seconds = seconds;
      if (!try_one(shorter, best_.options, short_number(seconds) + " s")) {
        return;
      }
    }
  }

  /// Leaves out halves of the faults, then quarters, and so on.
  void drop_faults() {
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < best_.report.faults_planned; ++i) {
      if (!best_.options.faults || best_.options.faults->contains(i)) {
        kept.push_back(i);
      }
    }
    for (std::size_t piece = kept.size(); piece > 0 && best_.runs < runs_max_; piece /= 2) {
      for (std::size_t at = 0; at < kept.size() && best_.runs < runs_max_;) {
        std::vector<std::size_t> fewer(kept);
        const auto first = fewer.begin() + static_cast<std::ptrdiff_t>(at);
        fewer.erase(first, first + static_cast<std::ptrdiff_t>(std::min(piece, kept.size() - at)));
        auto options = best_.options;
        options.faults = std::set(fewer.begin(), fewer.end());
        if (try_one(best_.scenario, options, std::to_string(fewer.size()) + " faults")) {
          kept = std::move(fewer);
        } else {
          at += piece;
        }
      }
    }
  }

  Shrunk& best_;
  std::size_t runs_max_;
  const std::function<void(const std::string&)>& tell_;
};

}  // namespace

Shrunk shrink(const Scenario& scenario, const RunOptions& options, Report failed,
              std::size_t runs_max, const std::function<void(const std::string&)>& tell) {
  Shrunk best{.scenario = scenario, .options = options, .report = std::move(failed)};
  best.options.trace_path.clear();
  Shrinker(best, runs_max, tell).run();
  return best;
}

std::string replay_words(const std::string& name, const Scenario& scenario,
                         const RunOptions& options) {
  std::string words = name + " --nodes " + std::to_string(scenario.nodes) + " --seed " +
                      std::to_string(options.seed);
  std::array<char, 32> seconds{};
  const auto end = std::to_chars(seconds.begin(), seconds.end(), scenario.seconds).ptr;
  words += " --seconds " + std::string(seconds.data(), end) + " --security " +
           std::string(name_of(scenario.security));
  if (options.faults) {
    words += " --faults " + (options.faults->empty() ? "none" : to_ranges(*options.faults));
  }
  return words;
}

std::string to_ranges(const std::set<std::size_t>& numbers) {
  std::string out;
  for (auto at = numbers.begin(); at != numbers.end();) {
    const std::size_t first = *at;
    std::size_t last = first;
    while (++at != numbers.end() && *at == last + 1) {
      last = *at;
    }
    out += (out.empty() ? "" : ",") + std::to_string(first) +
           (last > first ? "-" + std::to_string(last) : "");
  }
  return out;
}

std::optional<std::set<std::size_t>> parse_ranges(std::string_view text) {
  constexpr std::size_t k_numbers_max = 1'000'000;
  std::set<std::size_t> numbers;
  if (text == "none") {
    return numbers;
  }
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    std::size_t first = 0;
    const auto read = std::from_chars(at, end, first);
    std::size_t last = first;
    if (read.ec != std::errc()) {
      return std::nullopt;
    }
    at = read.ptr;
    if (at != end && *at == '-') {
      const auto to = std::from_chars(at + 1, end, last);
      if (to.ec != std::errc()) {
        return std::nullopt;
      }
      at = to.ptr;
    }
    if (last < first || last - first + numbers.size() >= k_numbers_max) {
      return std::nullopt;
    }
    for (std::size_t number = first; number <= last; ++number) {
      numbers.insert(number);
    }
    if (at == end) {
      return numbers;
    }
    if (*at++ != ',') {
      return std::nullopt;
    }
  }
}

}  // namespace vivim::sim
