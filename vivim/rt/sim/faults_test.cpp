#include "vivim/rt/sim/faults.hpp"

#include <algorithm>

#include <doctest/doctest.h>

using namespace vivim::rt::sim;
using namespace std::chrono_literals;

TEST_CASE("faults: as many as the rates say, in order, the same for the same seed") {
  const FaultRates rates{.crashes_per_hour = 0.2,
                         .power_share = 0.25,
                         .down_mean = 2min,
                         .cuts_per_hour = 1,
                         .isolations_per_hour = 0.1,
                         .splits_per_hour = 6,
                         .resets_per_hour = 0.5,
                         .cut_mean = 10s};
  const auto faults = plan_faults(7, 1000, 10h, rates);
  CHECK(faults == plan_faults(7, 1000, 10h, rates));
  CHECK(faults != plan_faults(8, 1000, 10h, rates));
  CHECK(std::ranges::is_sorted(faults, {}, &Fault::at));
  const auto count = [&](FaultKind kind) { return std::ranges::count(faults, kind, &Fault::kind); };
  const auto near = [](auto value, double expected) {
    return static_cast<double>(value) > 0.85 * expected &&
           static_cast<double>(value) < 1.15 * expected;
  };
  CHECK(near(count(FaultKind::power), 500));
  CHECK(near(count(FaultKind::process), 1500));
  CHECK(near(count(FaultKind::cut), 10'000));
  CHECK(near(count(FaultKind::isolate), 1000));
  CHECK(near(count(FaultKind::reset), 5000));
  CHECK(count(FaultKind::split) > 30);
  CHECK(count(FaultKind::split) < 100);
  vivim::rt::Duration down{};
  for (const Fault& fault : faults) {
    CHECK(fault.a < 1000);
    CHECK(fault.at < 10h);
    if (fault.kind == FaultKind::cut || fault.kind == FaultKind::reset) {
      CHECK(fault.b < 1000);
      CHECK(fault.a != fault.b);
    }
    if (fault.kind == FaultKind::power || fault.kind == FaultKind::process) {
      down += fault.lasting;
    }
  }
  CHECK(near(down.count(), 2000 * std::chrono::nanoseconds(2min).count()));
}

TEST_CASE("faults: none without rates, without nodes, and none of two nodes at one") {
  CHECK(plan_faults(1, 10, 1h, {}).empty());
  CHECK(plan_faults(1, 0, 1h, {.crashes_per_hour = 10}).empty());
  CHECK(plan_faults(1, 1, 1h, {.cuts_per_hour = 10, .resets_per_hour = 10}).empty());
}
