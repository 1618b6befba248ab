#pragma once

#include <algorithm>
#include <chrono>

#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::kad {

/// How long others take to answer, connecting included, and from it how long to wait for one more:
/// smoothed mean and deviation as in RFC 6298.
class AnswerTimes {
 public:
  void add(rt::Duration time) {
    if (mean_.count() == 0) {
      mean_ = time;
      deviation_ = time / 2;
      return;
    }
    const rt::Duration off = time > mean_ ? time - mean_ : mean_ - time;
    deviation_ += (off - deviation_) / 4;
    mean_ += (time - mean_) / 8;
  }

  /// Who takes longer than this is probably gone. At most `most`, which it also is until somebody
  /// has answered.
  rt::Duration patience(rt::Duration most) const {
    return mean_.count() == 0
               ? most
               : std::clamp<rt::Duration>(mean_ + (4 * deviation_), std::min(k_least, most), most);
  }

 private:
  static constexpr rt::Duration k_least = std::chrono::milliseconds(400);

  rt::Duration mean_{};
  rt::Duration deviation_{};
};

}  // namespace vivim::libp2p::kad
