#include "vivim/rt/sim/link.hpp"

#include <array>

namespace vivim::rt::sim {

RegionTable five_regions() {
  constexpr std::size_t k_regions = 5;
  // Milliseconds of a round trip.
  constexpr std::array<std::array<int, k_regions>, k_regions> k_round_trips{{
      {16, 76, 116, 190, 150},   // North America, east coast
      {76, 16, 184, 122, 216},   // Europe, west
      {116, 184, 16, 304, 260},  // South America
      {190, 122, 304, 16, 126},  // India
      {150, 216, 260, 126, 16},  // Japan
  }};
  RegionTable table{.names = {"north-america", "europe", "south-america", "india", "japan"},
                    .links = {}};
  for (const auto& row : k_round_trips) {
    for (const int round_trip : row) {
      const Duration latency = std::chrono::microseconds(round_trip * 500);
      table.links.push_back({.latency = latency, .jitter = latency / 10});
    }
  }
  return table;
}

}  // namespace vivim::rt::sim
