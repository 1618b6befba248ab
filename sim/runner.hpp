#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "report.hpp"
#include "scenario.hpp"

namespace vivim::sim {

/// Processor time of this process so far.
double processor_seconds();

/// Memory that this process takes now.
std::uint64_t memory_bytes();
/// Begins to count the most memory that this process takes, and says how much it was since.
void reset_memory_peak();
std::uint64_t memory_peak_bytes();

/// How far a run is.
struct Progress {
  double virtual_seconds = 0;
  std::string doing;
};

struct RunOptions {
  std::uint64_t seed = 1;
  /// Of the planned faults, those that happen (counted from 0 in order of time); absent: all.
  std::optional<std::set<std::size_t>> faults = {};
  /// Called now and then, in real time.
  std::function<void(const Progress&)> progress = {};
  /// Every fact of the trace, one a line, goes into this file.
  std::string trace_path = {};
};

/// Plays a scenario once. A failure to open the trace file is a Problem; what goes wrong in the
/// network is in the report.
Outcome<Report> run_scenario(const Scenario& scenario, const RunOptions& options);

/// A smaller scenario that fails as well.
struct Shrunk {
  Scenario scenario;
  RunOptions options;
  Report report;
  std::size_t runs = 0;  ///< that it took
};
/// Makes a run that fails smaller while it still fails: fewer nodes, less time, fewer faults.
/// `tell` hears of each step.
Shrunk shrink(const Scenario& scenario, const RunOptions& options, Report failed,
              std::size_t runs_max, const std::function<void(const std::string&)>& tell);

/// The words behind `vivim sim run` that play exactly this again.
std::string replay_words(const std::string& name, const Scenario& scenario,
                         const RunOptions& options);

/// "0-4,7" and back; nothing when it is not such a list.
std::string to_ranges(const std::set<std::size_t>& numbers);
std::optional<std::set<std::size_t>> parse_ranges(std::string_view text);

}  // namespace vivim::sim
