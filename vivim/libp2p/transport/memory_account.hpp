#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>

#include "vivim/base/result.hpp"

namespace vivim::libp2p {

/// Buffers of a connection that belong to what it takes at rest: they are not told.
inline constexpr std::uint64_t k_resting_buffer_bytes = std::uint64_t{16} * 1024;

/// What is held beyond that is told in such steps.
inline constexpr std::uint64_t k_memory_step_bytes = std::uint64_t{64} * 1024;

/// Tells how much memory a connection's buffers hold, in steps so coarse that it can be asked all
/// the time.
class MemoryAccount {
 public:
  /// Hears how much it is now, rounded up; an error refuses it.
  using Report = std::move_only_function<Result<void>(std::uint64_t bytes)>;

  /// Until then nobody is told.
  void open(Report report) {
    report_ = std::move(report);
    upper_ = k_resting_buffer_bytes;
  }

  /// So many bytes are held now. Error: the report's; what was told before still holds.
  Result<void> update(std::uint64_t held) {
    if (held <= upper_ && held >= lower_) {
      return {};
    }
    return tell(held);
  }

  /// From now on only less is told.
  void close() { upper_ = k_no_bound; }

 private:
  static constexpr std::uint64_t k_no_bound = std::numeric_limits<std::uint64_t>::max();

  Result<void> tell(std::uint64_t held) {
    const std::uint64_t buffers = held - std::min(held, k_resting_buffer_bytes);
    const std::uint64_t told =
        (buffers + k_memory_step_bytes - 1) / k_memory_step_bytes * k_memory_step_bytes;
    VIVIM_TRYV(report_(told));
    const std::uint64_t covered = told + k_resting_buffer_bytes;
    upper_ = upper_ == k_no_bound ? k_no_bound : covered;
    // What swings by a step is not told each time.
    const std::uint64_t swing = std::min(covered, 2 * k_memory_step_bytes);
    lower_ = told == 0 ? 0 : std::max(k_resting_buffer_bytes + 1, covered - swing);
    return {};
  }

  Report report_;
  std::uint64_t upper_ = k_no_bound;  ///< more than this is told
  std::uint64_t lower_ = 0;           ///< and less than that
};

}  // namespace vivim::libp2p
