#pragma once

#include <vector>

namespace vivim::interop {

/// What the perf harness wants of several measurements.
struct Figures {
  double min;  ///< of those that are no outliers, as max
  double q1;
  double median;
  double q3;
  double max;
  std::vector<double> outliers;  ///< beyond 1.5 times the distance of the quartiles from them
  std::vector<double> samples;   ///< all, in order

  /// `values` is not empty.
  static Figures of(std::vector<double> values);
  /// Prints a block of YAML.
  void print(const char* name, const char* unit, int digits) const;
};

}  // namespace vivim::interop
