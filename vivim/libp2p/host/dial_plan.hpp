#pragma once

#include <deque>
#include <optional>
#include <set>

#include "vivim/base/result.hpp"
#include "vivim/libp2p/host/dial_ranker.hpp"

namespace vivim::libp2p {

/// Attempts of one dial that run at once at most.
inline constexpr std::size_t k_dial_attempts_max = 8;

/// Which address of a peer to dial when (happy eyeballs, RFC 8305). Sans-IO: start what next()
/// gives, tell what failed, ask again at next_start(); the first attempt that succeeds ends the
/// dial.
class DialPlan {
 public:
  DialPlan(std::vector<RankedAddress> addresses, rt::TimePoint now);

  /// Appends addresses that became known meanwhile; those that are in the plan already are ignored.
  void add(std::vector<RankedAddress> addresses);

  /// An address to dial now; none when it is not time, or enough attempts run. When nothing runs
  /// the next one never waits.
  std::optional<multiformats::Multiaddr> next(rt::TimePoint now);

  /// An attempt that next() started has failed: the next one need not wait. Remembers the error
  /// that tells most: a peer's fault before an unreachable place before an address nobody
  /// understands.
  void failed(const Error& error, rt::TimePoint now);
  /// The same of an address that was never started: its name is not to be resolved.
  void remember(const Error& error);

  /// When next() will have an address; none while it waits for an attempt to end, or has no more.
  std::optional<rt::TimePoint> next_start() const;

  /// Whether every address was tried and has failed.
  bool exhausted() const { return waiting_.empty() && running_ == 0; }
  const std::optional<Error>& error() const { return error_; }
  std::size_t running() const { return running_; }

 private:
  std::deque<RankedAddress> waiting_;
  std::set<multiformats::Multiaddr> known_;
  rt::TimePoint start_;  ///< of the next attempt
  std::size_t running_ = 0;
  std::optional<Error> error_;
};

}  // namespace vivim::libp2p
