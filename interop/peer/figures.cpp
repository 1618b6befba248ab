#include "interop/peer/figures.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <utility>

#include "vivim/base/assert.hpp"

namespace vivim::interop {

namespace {

constexpr double k_fence = 1.5;

// By linear interpolation.
double quantile(const std::vector<double>& sorted, double part) {
  const double place = part * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const auto high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - static_cast<double>(low));
}

void print_list(const char* name, const std::vector<double>& values, int digits) {
  std::printf("  %s: [", name);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::printf("%s%.*f", i == 0 ? "" : ", ", digits, values[i]);
  }
  std::printf("]\n");
}

}  // namespace

Figures Figures::of(std::vector<double> values) {
  VIVIM_ASSERT(!values.empty());
  std::ranges::sort(values);
  Figures figures{.min = values.front(),
                  .q1 = quantile(values, 0.25),
                  .median = quantile(values, 0.5),
                  .q3 = quantile(values, 0.75),
                  .max = values.back(),
                  .outliers = {},
                  .samples = std::move(values)};
  const double reach = k_fence * (figures.q3 - figures.q1);
  const auto inside = [&](double value) {
    return value >= figures.q1 - reach && value <= figures.q3 + reach;
  };
  std::ranges::remove_copy_if(figures.samples, std::back_inserter(figures.outliers), inside);
  const auto first = std::ranges::find_if(figures.samples, inside);
  if (first != figures.samples.end()) {
    figures.min = *first;
    figures.max = *std::find_if(figures.samples.rbegin(), figures.samples.rend(), inside);
  }
  return figures;
}

void Figures::print(const char* name, const char* unit, int digits) const {
  std::printf("%s:\n  iterations: %zu\n", name, samples.size());
  const std::pair<const char*, double> parts[] = {
      {"min", min}, {"q1", q1}, {"median", median}, {"q3", q3}, {"max", max}};
  for (const auto& [label, value] : parts) {
    std::printf("  %s: %.*f\n", label, digits, value);
  }
  print_list("outliers", outliers, digits);
  print_list("samples", samples, digits);
  std::printf("  unit: %s\n", unit);
}

}  // namespace vivim::interop
