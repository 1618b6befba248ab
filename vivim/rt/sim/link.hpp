#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "vivim/rt/clock.hpp"

namespace vivim::rt::sim {

/// How the wire between two nodes behaves, in each direction.
struct LinkOptions {
  Duration latency = std::chrono::milliseconds(1);
  Duration jitter{0};          ///< added per segment, uniform in [0, jitter]
  std::uint32_t loss_ppm = 0;  ///< lost segments per million; each costs a retransmission's delay
  std::uint64_t bytes_per_second = 0;  ///< 0: unlimited
  // Of datagrams alone, which jitter also reorders and loss really loses:
  std::uint32_t duplicate_ppm = 0;           ///< datagrams per million that arrive twice
  std::size_t datagram_bytes_max = 1472;     ///< longer ones are lost: the path's size
  std::size_t queue_bytes_max = 256 * 1024;  ///< wait for a slow wire; what is above is lost
};

/// How long bytes take to pass a wire; not its latency.
inline Duration wire_time(std::size_t bytes, std::uint64_t bytes_per_second) {
  return Duration(bytes * 1'000'000'000 / bytes_per_second);
}

/// The index of a region in a RegionTable.
using Region = std::uint32_t;

/// How nodes of each region reach those of each other one.
struct RegionTable {
  std::vector<std::string> names;
  std::vector<LinkOptions> links;  ///< of (from, to): from * names.size() + to

  const LinkOptions& between(Region from, Region to) const {
    return links[std::size_t{from} * names.size() + to];
  }
  /// Changes every link, as `link.loss_ppm = 1000`.
  template <class Change>
  void for_each(Change change) {
    for (auto& link : links) {
      change(link);
    }
  }
};

/// Five regions of the Internet: North America, Europe, South America, India and Japan. Latencies
/// are half of round trips as cloud providers publish them between such regions; inside a region
/// a round trip takes 16 ms, and jitter is a tenth of the latency.
RegionTable five_regions();

}  // namespace vivim::rt::sim
