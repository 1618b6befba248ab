#include "vivim/libp2p/relay/keeper.hpp"

#include <algorithm>

#include "vivim/libp2p/relay/voucher.hpp"

namespace vivim::libp2p::relay {

namespace {

/// So that a hostile number of seconds does not overflow a Time.
constexpr std::uint64_t k_seconds_max = 1'000'000'000;

}  // namespace

Result<Granted> check_reservation(const HopMessage& answer, const PeerId& relay, const PeerId& self,
                                  std::uint64_t unix_s) {
  if (answer.type != HopMessage::Type::status) {
    return fail(RelayError::unexpected);
  }
  if (answer.status != Status::ok) {
    return fail(RelayError::refused, static_cast<std::uint64_t>(*answer.status));
  }
  if (!answer.reservation) {
    return fail(RelayError::malformed);
  }
  const Reservation& reservation = *answer.reservation;
  if (reservation.expire_unix_s <= unix_s) {
    return fail(RelayError::already_expired, reservation.expire_unix_s);
  }
  if (!reservation.voucher.empty()) {
    VIVIM_TRY(const auto voucher, open_voucher(reservation.voucher));
    if (voucher.relay != relay || voucher.peer != self) {
      return fail(RelayError::bad_voucher);
    }
  }
  const auto lasts = std::min(reservation.expire_unix_s - unix_s, k_seconds_max);
  return Granted{.reservation = reservation,
                 .limit = answer.limit,
                 .lasts = std::chrono::seconds(static_cast<std::int64_t>(lasts))};
}

bool Keeper::poll(Time now) {
  if (asking_ || now < due_) {
    return false;
  }
  asking_ = true;
  lost_meanwhile_ = false;
  return true;
}

bool Keeper::granted(Time lasts, Time now) {
  if (lost_meanwhile_) {
    failed(now);
    return false;
  }
  asking_ = false;
  lasts = std::min(lasts, times_.lasts_max);
  expiry_ = now + lasts;
  pause_ = times_.retry_min;
  due_ = now + std::max(lasts / 2, times_.retry_min);
  return true;
}

void Keeper::failed(Time now) {
  asking_ = false;
  due_ = now + pause_;
  pause_ = std::min(2 * pause_, times_.retry_max);
}

void Keeper::lost(Time now) {
  expiry_.reset();
  lost_meanwhile_ = asking_;
  if (!asking_) {
    due_ = std::min(due_, now + pause_);
  }
}

std::optional<Time> Keeper::next_deadline(Time now) const {
  if (asking_) {
    return std::nullopt;
  }
  return held(now) ? std::min(due_, *expiry_) : due_;
}

}  // namespace vivim::libp2p::relay
