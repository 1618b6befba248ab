#pragma once

#include <cstdint>

namespace vivim::stress {

/// What this process holds.
struct Usage {
  std::uint64_t resident_bytes = 0;
  std::uint64_t heap_bytes = 0;  ///< allocated and not freed
  std::uint64_t descriptors = 0;
};

/// Measured now. Free pages are given back to the system first, so that what is resident is what is
/// held.
Usage measure_process();

}  // namespace vivim::stress
