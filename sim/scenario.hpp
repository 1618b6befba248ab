#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/problem.hpp"
#include "vivim/rt/sim/faults.hpp"

namespace vivim::sim {

/// The most that a scenario may ask for.
inline constexpr std::uint32_t k_nodes_max = 20'000;
inline constexpr std::size_t k_scenario_bytes_max = std::size_t{64} * 1024;

/// How connections are secured in a run.
enum class SecurityKind : std::uint8_t {
  stand_in,  ///< libp2p/standin: proved, not enciphered, cheap
  noise,     ///< as in the world
};
std::string_view name_of(SecurityKind kind);

/// How the nodes of a scenario reach each other.
struct NetworkModel {
  bool regions = false;       ///< five regions of the Internet, nodes spread evenly over them
  double round_trip_ms = 20;  ///< without regions
  double jitter_ms = 0;       ///< without regions; with them a tenth of the latency
  double loss_percent = 0;
  double upload_mbit = 0;  ///< of each node; 0: unlimited
  double download_mbit = 0;
  double behind_nat_percent = 0;   ///< nodes that nobody reaches without a hole punch
  std::string nat = "restricted";  ///< full-cone, restricted, port-restricted or symmetric
  double clock_skew_ms = 0;        ///< wall clocks are wrong by up to this
  double disk_ms = 0.25;           ///< what the store does takes up to this
};

/// What a scenario promises of one of its figures.
struct Expectation {
  std::string metric;
  std::optional<double> at_most;
  std::optional<double> at_least;
};

/// A network, what happens in it, and what has to be so then: one TOML file.
struct Scenario {
  std::string name;
  std::string about;
  std::string kind;  ///< what happens: one of kinds()
  std::uint32_t nodes = 10;
  double seconds = 60;  ///< of virtual time, behind what the kind prepares
  SecurityKind security = SecurityKind::stand_in;
  NetworkModel network;
  rt::sim::FaultRates faults;
  rt::sim::Lie lie = rt::sim::Lie::none;                  ///< while the faults happen
  std::map<std::string, double, std::less<>> with;        ///< numbers that the kind understands
  std::map<std::string, std::string, std::less<>> words;  ///< texts of `with`
  std::vector<Expectation> expect;

  /// A number of `with`, or the kind's default.
  double number(std::string_view key, double otherwise) const;
  /// A text of `with`, or the kind's default.
  std::string word(std::string_view key, std::string otherwise) const;
  rt::Duration duration() const;
};

/// Reads a scenario; `name` is the file's, without folder and ending.
Outcome<Scenario> parse_scenario(std::string_view text, std::string name);

/// The scenarios that the program has in itself, by name.
const std::map<std::string, std::string_view, std::less<>>& built_in_scenarios();
/// One of those, or the file of this path.
Outcome<Scenario> find_scenario(const std::string& name_or_path);

rt::Duration from_ms(double milliseconds);
double to_ms(rt::Duration duration);

}  // namespace vivim::sim
