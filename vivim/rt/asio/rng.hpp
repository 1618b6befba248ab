#pragma once

#include "vivim/rt/rng.hpp"

namespace vivim::rt::asio_ {

/// The operating system's randomness: getrandom(2), fit for keys. Any thread.
class SystemRng final : public Rng {
 public:
  void fill(MutableBytes out) override;
};

}  // namespace vivim::rt::asio_
