#include "vivim/libp2p/host/dial_plan.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/host/error.hpp"

namespace vivim::libp2p {

namespace {

/// How much an error tells to whoever asked for the connection.
int weight(const Error& error) {
  if (error.is(HostError::unsupported_address)) {
    return 0;
  }
  return error.blame() == Blame::peer ? 2 : 1;
}

}  // namespace

DialPlan::DialPlan(std::vector<RankedAddress> addresses, rt::TimePoint now) : start_(now) {
  add(std::move(addresses));
}

void DialPlan::add(std::vector<RankedAddress> addresses) {
  for (auto& ranked : addresses) {
    if (known_.size() < k_dial_addresses_max && known_.insert(ranked.address).second) {
      waiting_.push_back(std::move(ranked));
    }
  }
}

std::optional<multiformats::Multiaddr> DialPlan::next(rt::TimePoint now) {
  if (waiting_.empty() || running_ == k_dial_attempts_max || (running_ > 0 && now < start_)) {
    return std::nullopt;
  }
  auto address = std::move(waiting_.front().address);
  waiting_.pop_front();
  ++running_;
  if (!waiting_.empty()) {
    start_ = now + waiting_.front().delay;
  }
  return address;
}

void DialPlan::failed(const Error& error, rt::TimePoint now) {
  VIVIM_ASSERT(running_ > 0);
  --running_;
  start_ = std::min(start_, now);
  remember(error);
}

void DialPlan::remember(const Error& error) {
  if (!error_ || weight(error) >= weight(*error_)) {
    error_ = error;
  }
}

std::optional<rt::TimePoint> DialPlan::next_start() const {
  if (waiting_.empty() || running_ == k_dial_attempts_max) {
    return std::nullopt;
  }
  return start_;
}

}  // namespace vivim::libp2p
