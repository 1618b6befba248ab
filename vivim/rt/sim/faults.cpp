#include "vivim/rt/sim/faults.hpp"

#include <algorithm>
#include <cmath>

#include "vivim/rt/sim/engine.hpp"

namespace vivim::rt::sim {

namespace {

constexpr double k_nanoseconds_per_hour = 3600e9;

Duration exponential(SeededRng& rng, double mean_ns) {
  constexpr double k_steps = 9007199254740992.0;  // 2^53
  const double uniform = (static_cast<double>(rng.next() >> 11) + 1) / k_steps;
  return Duration(static_cast<std::int64_t>(-std::log(uniform) * mean_ns));
}

/// Appends the faults that come at a rate of so many an hour in the whole network.
template <class Make>
void append(std::vector<Fault>& faults, SeededRng& rng, Duration duration, double per_hour,
            const Make& make) {
  if (per_hour <= 0) {
    return;
  }
  const double mean = k_nanoseconds_per_hour / per_hour;
  for (Duration at = exponential(rng, mean); at < duration; at += exponential(rng, mean)) {
    Fault fault = make();
    fault.at = at;
    faults.push_back(fault);
  }
}

}  // namespace

std::vector<Fault> plan_faults(std::uint64_t seed, std::uint32_t nodes, Duration duration,
                               const FaultRates& rates) {
  std::vector<Fault> faults;
  if (nodes == 0) {
    return faults;
  }
  SeededRng rng(seed);
  const auto any = [&] { return static_cast<std::uint32_t>(rng.below(nodes)); };
  const auto lasting = [&rng](Duration mean) {
    return exponential(rng, static_cast<double>(mean.count()));
  };
  const double all = nodes;
  append(faults, rng, duration, rates.crashes_per_hour * all, [&] {
    constexpr std::uint64_t k_million = 1'000'000;
    const bool power =
        rng.below(k_million) < static_cast<std::uint64_t>(rates.power_share * k_million);
    return Fault{.lasting = lasting(rates.down_mean),
                 .kind = power ? FaultKind::power : FaultKind::process,
                 .a = any()};
  });
  append(faults, rng, duration, rates.isolations_per_hour * all, [&] {
    return Fault{.lasting = lasting(rates.cut_mean), .kind = FaultKind::isolate, .a = any()};
  });
  append(faults, rng, duration, rates.splits_per_hour, [&] {
    return Fault{.lasting = lasting(rates.cut_mean), .kind = FaultKind::split, .a = any()};
  });
  if (nodes > 1) {
    const auto pair = [&](FaultKind kind, Duration time) {
      const std::uint32_t a = any();
      const auto other = static_cast<std::uint32_t>(1 + rng.below(nodes - 1));
      return Fault{.lasting = time, .kind = kind, .a = a, .b = (a + other) % nodes};
    };
    append(faults, rng, duration, rates.cuts_per_hour * all,
           [&] { return pair(FaultKind::cut, lasting(rates.cut_mean)); });
    append(faults, rng, duration, rates.resets_per_hour * all,
           [&] { return pair(FaultKind::reset, {}); });
  }
  std::ranges::sort(faults);
  return faults;
}

}  // namespace vivim::rt::sim
