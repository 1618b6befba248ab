#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
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
  std::uint32_t whole_nodes = 0;                  ///< of a whole run; 0: as the scenario says
  std::uint32_t quick_nodes = 0;                  ///< of a quick run; 0: as the scenario says
  double quick_seconds = -1;                      ///< the same; negative: as the scenario says
  std::map<std::string, double> quick_with = {};  ///< numbers of a quick run that are others
  std::uint64_t seeds = 1;                        ///< of a whole run; all must pass
  /// An attack on gossip, and the scenario without it: played beside it at the same size, with the
  /// same seed. In a table of its own, and played only when it is asked for: it takes long.
  std::string baseline = {};
  /// Played only when it is asked for: half an hour, and 8 GB of memory.
  bool large = false;

  bool attack() const { return !baseline.empty(); }
  /// Whether `name` asks for it: its scenario, "attacks", or "large".
  bool is(std::string_view name) const {
    return large ? name == "large" : name == scenario || (attack() && name == "attacks");
  }
};

const std::vector<Target>& targets();

/// Deliveries under an attack may take so many times as long as without it.
inline constexpr double k_attack_ratio_max = 2;

/// What was measured for a target.
struct Measured {
  Target target;
  std::uint32_t nodes = 0;
  std::uint64_t seeds = 1;
  SecurityKind security = SecurityKind::stand_in;
  std::string figures;                ///< "p50 31 ms, p95 42 ms"
  std::vector<std::string> cells;     ///< of an attack: the columns of its table
  std::vector<std::string> failures;  ///< empty: the target is met
  std::string again;                  ///< the command that plays it
};

/// Plays the scenarios of targets.
class Measurer {
 public:
  using Tell = std::function<void(const Progress&)>;

  Measurer(bool quick, Tell progress) : quick_(quick), progress_(std::move(progress)) {}

  /// Problems: those of run_scenario.
  Outcome<Measured> measure(const Target& target);

 private:
  Outcome<Scenario> scenario_of(const Target& target, const std::string& name) const;
  Measured measure_real_peers(const Target& target) const;
  Outcome<Measured> measure_attack(const Target& target);

  bool quick_;
  Tell progress_;
  std::map<std::string, Report> baselines_;
};

/// docs/targets.md: what was measured now, and of what was not the lines of `before`, the file as
/// it is.
std::string to_markdown(const std::vector<Measured>& all, bool quick, std::string_view before);

}  // namespace vivim::sim
