#pragma once

#include <cstdint>
#include <vector>

#include "vivim/rt/clock.hpp"

namespace vivim::rt::sim {

/// What goes wrong.
enum class FaultKind : std::uint8_t {
  process,  ///< the process of `a` dies; its kernel resets connections and writes out its disk
  power,    ///< `a` loses power: nobody is told, and what it had not synced is lost or torn
  cut,      ///< nothing passes between `a` and `b`
  isolate,  ///< `a` is alone
  split,    ///< those whose number, counted from `a`, is below half reach only each other
  reset,    ///< connections between `a` and `b` break, at once and no longer
};

/// One thing that goes wrong. Nodes are counted from 0.
struct Fault {
  Duration at{};
  Duration lasting{};
  FaultKind kind = FaultKind::process;
  std::uint32_t a = 0;
  std::uint32_t b = 0;

  auto operator<=>(const Fault&) const = default;
};

/// How much goes wrong. Times between two faults of a kind, and how long they last, are
/// exponential.
struct FaultRates {
  double crashes_per_hour = 0;  ///< of each node
  double power_share = 0.5;     ///< of crashes: by loss of power
  Duration down_mean = std::chrono::minutes(1);
  double cuts_per_hour = 0;                      ///< of each node, with another one
  double isolations_per_hour = 0;                ///< of each node
  double splits_per_hour = 0;                    ///< of the whole network
  double resets_per_hour = 0;                    ///< of each node
  Duration cut_mean = std::chrono::seconds(10);  ///< of cuts, isolations and splits
};

/// Which promise of the machine is broken, of those that everything above stands on: a world that
/// lies shows whether what has to hold is looked at. None is the honest world.
enum class Lie : std::uint8_t {
  none,
  disk,    ///< sync() answers, but a loss of power takes the disk back to an earlier moment
  random,  ///< after a restart the same random bytes come again
  clock,   ///< after a restart the wall clock is wrong by up to 60 days
};

/// What goes wrong at nodes 0 to `nodes` - 1 within `duration`, in order of time: data, so that a
/// schedule that shows an error can be made smaller and played again.
std::vector<Fault> plan_faults(std::uint64_t seed, std::uint32_t nodes, Duration duration,
                               const FaultRates& rates);

}  // namespace vivim::rt::sim
