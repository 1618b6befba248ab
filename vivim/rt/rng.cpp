#include "vivim/rt/rng.hpp"

#include <array>

#include "vivim/base/assert.hpp"

namespace vivim::rt {

std::uint64_t Rng::u64() {
  std::array<std::uint8_t, 8> raw{};
  fill(raw);
  return load_be64(raw);
}

std::uint64_t Rng::below(std::uint64_t bound) {
  VIVIM_ASSERT(bound > 0);
  const std::uint64_t unbiased_min = (0 - bound) % bound;
  for (;;) {
    const std::uint64_t value = u64();
    if (value >= unbiased_min) {
      return value % bound;
    }
  }
}

}  // namespace vivim::rt
