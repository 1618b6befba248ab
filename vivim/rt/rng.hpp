#pragma once

#include <cstdint>

#include "vivim/base/bytes.hpp"

namespace vivim::rt {

/// Randomness, passed in: the operating system's in production, seeded in simulation.
class Rng {
 public:
  virtual ~Rng() = default;
  virtual void fill(MutableBytes out) = 0;

  std::uint64_t u64();
  /// Uniform in [0, bound); bound > 0. No modulo bias.
  std::uint64_t below(std::uint64_t bound);
};

}  // namespace vivim::rt
