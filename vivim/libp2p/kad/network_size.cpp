#include "vivim/libp2p/kad/network_size.hpp"

#include <algorithm>
#include <cmath>

namespace vivim::libp2p::kad {

namespace {

/// Parts of a region that are looked up: each next one has half as many nodes.
constexpr unsigned k_region_parts = 4;

/// P(X < count) of a Poisson distribution.
double poisson_below(double mean, std::size_t count) {
  double term = std::exp(-mean);
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += term;
    term *= mean / static_cast<double>(i + 1);
  }
  return std::min(sum, 1.0);
}

}  // namespace

void NetworkSize::add(const Key& target, const std::vector<Key>& closest, std::size_t looked_for,
                      rt::TimePoint now) {
  if (closest.size() < 2) {
    return;
  }
  double size = static_cast<double>(closest.size());
  if (closest.size() >= looked_for) {
    const double reach = closest.back().distance(target).fraction();
    size = std::max(size, (size - 1) / std::max(reach, 1e-12));
  }
  samples_.push_back({.size = size, .at = now});
  if (samples_.size() > options_.lookups_max) {
    samples_.pop_front();
  }
}

std::optional<double> NetworkSize::estimate(rt::TimePoint now) const {
  std::vector<double> sizes;
  for (const Sample& sample : samples_) {
    if (now - sample.at <= options_.age_max) {
      sizes.push_back(sample.size);
    }
  }
  if (sizes.size() < options_.lookups_min) {
    return std::nullopt;
  }
  const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
  std::ranges::nth_element(sizes, middle);
  return *middle;
}

double likely_among_closest(const Distance& distance, double size, std::size_t count) {
  return poisson_below(size * distance.fraction(), count);
}

Distance likely_reach(double size, std::size_t count, double likely) {
  double near = 0;
  double far = 1;
  constexpr int k_steps = 30;
  for (int i = 0; i < k_steps; ++i) {
    const double middle = (near + far) / 2;
    (poisson_below(size * middle, count) >= likely ? near : far) = middle;
  }
  return Distance::of_fraction(near);
}

bool is_crowded(const Key& target, const std::vector<Key>& closest, double size) {
  if (closest.empty() || size <= 2 * static_cast<double>(closest.size())) {
    return false;
  }
  const double expected = size * closest.back().distance(target).fraction();
  return 1 - poisson_below(expected, closest.size()) < 0.001;
}

unsigned region_bits(double size, std::size_t count) {
  const double ratio = size / static_cast<double>(std::max<std::size_t>(count, 1));
  return ratio < 2 ? 0 : static_cast<unsigned>(std::floor(std::log2(ratio)));
}

std::vector<Bytes> region_probes(const Key& target, unsigned bits, std::uint32_t salt) {
  std::vector<Bytes> probes;
  for (unsigned i = 0; i < k_region_parts && bits + i < k_key_bits; ++i) {
    probes.push_back(preimage(target.flipped(bits + i), bits + i + 1, salt));
  }
  return probes;
}

}  // namespace vivim::libp2p::kad
