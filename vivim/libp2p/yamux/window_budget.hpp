#pragma once

#include <cstdint>

#include "vivim/base/assert.hpp"

namespace vivim::libp2p::yamux {

/// What the receive windows of several sessions together may grow beyond their initial sizes.
/// Outlives the sessions; one thread.
class WindowBudget {
 public:
  explicit WindowBudget(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}
  WindowBudget(const WindowBudget&) = delete;
  WindowBudget& operator=(const WindowBudget&) = delete;

  /// Whether there was so much left; it is taken then.
  [[nodiscard]] bool take(std::uint64_t bytes) {
    if (bytes > bytes_max_ - used_) {
      return false;
    }
    used_ += bytes;
    return true;
  }
  void give(std::uint64_t bytes) {
    VIVIM_ASSERT(bytes <= used_);
    used_ -= bytes;
  }
  std::uint64_t used() const { return used_; }

 private:
  std::uint64_t bytes_max_;
  std::uint64_t used_ = 0;
};

}  // namespace vivim::libp2p::yamux
