#pragma once

#include <optional>

#include "vivim/libp2p/relay/relay.hpp"

namespace vivim::libp2p::relay {

/// A reservation that a relay granted us, checked.
struct Granted {
  Reservation reservation;
  std::optional<Limit> limit;
  Time lasts{};  ///< from now
};

/// Checks a relay's answer to RESERVE. Errors: unexpected, refused, already_expired, malformed
/// (ok without a reservation), and when there is a voucher: bad_voucher and those of
/// open_voucher().
Result<Granted> check_reservation(const HopMessage& answer, const PeerId& relay, const PeerId& self,
                                  std::uint64_t unix_s);

/// How a reservation is kept.
struct KeeperTimes {
  Time retry_min = std::chrono::seconds(5);
  Time retry_max = std::chrono::minutes(10);
  /// No reservation is trusted for longer than this, nor refreshed more often than retry_min.
  Time lasts_max = std::chrono::hours(24);
};

/// When to ask a relay for a reservation: at once, again when half of it has passed, and after a
/// failure with growing pauses. Sans-IO.
class Keeper {
 public:
  explicit Keeper(KeeperTimes times = {}) : times_(times), pause_(times.retry_min) {}

  /// Whether to ask now; then granted() or failed() follows before it is said again.
  bool poll(Time now);
  /// Whether it counts: a reservation of a connection that was lost before its answer arrived is
  /// none, and is asked for again.
  bool granted(Time lasts, Time now);
  void failed(Time now);
  /// The connection with the relay is gone, and the reservation with it: asks again soon.
  void lost(Time now);

  bool held(Time now) const { return expiry_ && now < *expiry_; }
  bool asking() const { return asking_; }
  /// When poll() will say yes, or a reservation ends before that: the next time to look at poll()
  /// and held(). None while the answer is awaited.
  std::optional<Time> next_deadline(Time now) const;

 private:
  KeeperTimes times_;
  Time pause_;
  Time due_{};
  std::optional<Time> expiry_;
  bool asking_ = false;
  bool lost_meanwhile_ = false;  ///< since poll() said yes
};

}  // namespace vivim::libp2p::relay
