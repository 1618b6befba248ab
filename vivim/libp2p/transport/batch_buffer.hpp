#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>

#include "vivim/base/bytes.hpp"

namespace vivim::libp2p {

/// Memory for what one write to a transport carries: little while there is little to send, and none
/// at rest. The bytes are not initialised.
class BatchBuffer {
 public:
  /// The whole buffer; valid until the next call of note() or clear().
  MutableBytes room() {
    if (!bytes_) {
      bytes_ = std::make_unique_for_overwrite<std::uint8_t[]>(k_sizes[step_]);
    }
    return {bytes_.get(), k_sizes[step_]};
  }

  /// So much of room() was needed, and is not any more: the next may be larger. After 0 there is
  /// nothing to send for now.
  void note(std::size_t used) {
    if (used > k_sizes[step_] / 2 && step_ + 1 < k_sizes.size()) {
      ++step_;
      bytes_.reset();
    } else if (used == 0) {
      bytes_.reset();
    }
  }

  std::size_t held_bytes() const { return bytes_ ? k_sizes[step_] : 0; }

  /// Gives the memory back, and begins small again.
  void clear() {
    bytes_.reset();
    step_ = 0;
  }

 private:
  /// The largest: four frames of 32 KiB, or eight records of TLS, with what surrounds them.
  static constexpr std::array<std::size_t, 3> k_sizes{2048, std::size_t{16} * 1024,
                                                      std::size_t{129} * 1024};

  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t step_ = 0;
};

}  // namespace vivim::libp2p
