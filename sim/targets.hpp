#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "report.hpp"
#include "runner.hpp"

namespace vivim::sim {

/// One line of the mission's table: what is promised, and the scenario that shows it.
struct Target {
  std::string metric;
  std::string mark;
  std::string scenario;
  std::vector<std::string> figures;               ///< of the report, that are shown
  std::uint32_t quick_nodes = 0;                  ///< of a quick run; 0: as the scenario says
  double quick_seconds = -1;                      ///< the same; negative: as the scenario says
  std::map<std::string, double> quick_with = {};  ///< numbers of a quick run that are others
  std::uint64_t seeds = 1;                        ///< of a whole run; all must pass
};

const std::vector<Target>& targets();

/// What was measured for a target.
struct Measured {
  Target target;
  std::uint32_t nodes = 0;
  std::uint64_t seeds = 1;
  SecurityKind security = SecurityKind::stand_in;
  std::string figures;                ///< "p50 31 ms, p95 42 ms"
  std::vector<std::string> failures;  ///< empty: the target is met
  std::string again;                  ///< the command that plays it
};

/// Runs the scenario of a target. Problems: those of run_scenario.
Outcome<Measured> measure(const Target& target, bool quick,
                          const std::function<void(const Progress&)>& progress);

/// docs/targets.md.
std::string to_markdown(const std::vector<Measured>& all, bool quick);

}  // namespace vivim::sim
