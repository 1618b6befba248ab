#pragma once

#include <functional>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/secret.hpp"

namespace vivim::crypto {

/// Fills its argument with unpredictable bytes. In production `os_random`; in tests and simulation
/// a seeded generator, e.g. `[&rng](MutableBytes out) { rng.fill(out); }`.
using RandomSource = std::function<void(MutableBytes out)>;

/// Fills `out` from the operating system's generator; aborts if that fails, since nothing safe can
/// follow.
void os_random(MutableBytes out);

/// N fresh secret bytes.
template <std::size_t N>
Secret<N> random_secret(const RandomSource& random) {
  Secret<N> out;
  random(out.writable());
  return out;
}

}  // namespace vivim::crypto
