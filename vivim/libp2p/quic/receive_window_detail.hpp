#pragma once

#include <algorithm>
#include <cstdint>

#include "vivim/libp2p/quic/session.hpp"

namespace vivim::libp2p::quic {

/// How far a peer may send ahead of who reads, of a stream or of a connection. It grows while its
/// size is what holds the peer back: up to the bytes of eight round trips, so that a sender whose
/// rate doubles with each of them never waits for it.
class ReceiveWindow {
 public:
  ReceiveWindow(std::uint64_t bytes, Time now) : bytes_(bytes), epoch_(now) {}

  std::uint64_t bytes() const { return bytes_; }

  /// `count` bytes were read. True when a quarter of the window was since this last was true: then
  /// it is time to ask for wanted().
  bool note_read(std::uint64_t count) {
    read_ += count;
    return read_ >= bytes_ / 4;
  }

  /// How large it is to be, by what was read since the last call; never less than it is.
  std::uint64_t wanted(Time now, Time rtt) {
    const auto passed =
        std::max<Time>(now - std::exchange(epoch_, now), std::chrono::microseconds(1));
    const double each =
        static_cast<double>(std::exchange(read_, 0)) / static_cast<double>(passed.count());
    const double target = k_round_trips * each * static_cast<double>(rtt.count());
    if (target <= static_cast<double>(bytes_)) {
      return bytes_;
    }
    // A burst tells little of the rate: not more than this at once.
    return static_cast<std::uint64_t>(std::clamp(target, static_cast<double>(2 * bytes_),
                                                 static_cast<double>(k_growth_max * bytes_)));
  }

  void grow(std::uint64_t bytes) { bytes_ += bytes; }

 private:
  static constexpr double k_round_trips = 8;
  static constexpr std::uint64_t k_growth_max = 8;

  std::uint64_t bytes_;
  std::uint64_t read_ = 0;
  Time epoch_;
};

}  // namespace vivim::libp2p::quic
