#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scenario.hpp"

namespace vivim::sim {

/// Measured values of one kind.
class Distribution {
 public:
  void add(double value) {
    values_.push_back(value);
    sorted_ = false;
  }
  std::size_t count() const { return values_.size(); }
  /// The value that a share of them, 0 to 1, does not exceed; 0 of none.
  double percentile(double share) const;
  double mean() const;
  const std::vector<double>& sorted() const;

 private:
  mutable std::vector<double> values_;
  mutable bool sorted_ = true;
};

/// What one run of a scenario gave.
struct Report {
  struct Point {
    double seconds = 0;
    double value = 0;
  };
  struct Metric {
    std::string name;  ///< unit last: "connect p95 ms"
    double value = 0;
  };

  std::string scenario;
  std::string about;
  std::uint64_t seed = 0;
  std::uint32_t nodes = 0;
  SecurityKind security = SecurityKind::stand_in;
  double virtual_seconds = 0;
  double cpu_seconds = 0;  ///< of this process, for the run
  std::uint64_t memory_peak_bytes = 0;
  std::uint64_t events = 0;
  std::uint64_t trace_hash = 0;
  std::size_t faults_planned = 0;
  std::size_t faults_applied = 0;

  std::vector<Metric> metrics;
  std::map<std::string, Distribution> distributions;  ///< name with unit: "connect ms"
  std::map<std::string, std::vector<Point>> series;
  std::vector<std::string> notes;
  std::vector<std::string> failures;  ///< what is not as it has to be

  void set(std::string name, double value);
  std::optional<double> find(std::string_view name) const;
  /// Metrics from distributions ("connect ms" gives "connect p50 ms" and so on), then the
  /// expectations: what is missed becomes a failure.
  void finish(const std::vector<Expectation>& expect);
};

/// For a person, several lines.
std::string to_text(const Report& report);
/// One JSON object.
std::string to_json(const Report& report);
/// An SVG: how values are distributed, as the share of them that is at most so much.
std::string plot_distribution(const std::string& name, const Distribution& distribution);
/// An SVG: a value over time.
std::string plot_series(const std::string& name, const std::vector<Report::Point>& points);

/// "12.4", "0.03", "10,000": three digits that matter.
std::string short_number(double value);

}  // namespace vivim::sim
