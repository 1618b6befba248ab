#pragma once

#include <optional>
#include <utility>

#include "vivim/base/recent.hpp"
#include "vivim/libp2p/limits/rate.hpp"
#include "vivim/message/envelope.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::message {

/// What the recipient of a message, or a mailbox, says about it. What is not listed is as refused.
enum class Status : std::uint32_t {
  arrived = 0,    ///< it is here, durably; it was, or it is now
  stored = 1,     ///< kept for its recipient, durably
  slow_down = 2,  ///< too many: again later
  full = 3,       ///< no room: again later
  refused = 4,    ///< never: not for us, or not what it should be
};

struct InboxLimits {
  /// Messages from one sender, and from all: 10 and 1,000 in a second, and some more at once.
  libp2p::limits::PeerRates::Limits rates = {
      .each = {.burst = 1024, .interval = std::chrono::milliseconds(100)},
      .all = {.burst = 8192, .interval = std::chrono::milliseconds(1)}};
  std::size_t recent_max = 8192;  ///< messages remembered in memory
};

/// How many messages were judged how.
struct InboxCounts {
  std::uint64_t taken = 0;
  std::uint64_t known = 0;
  std::uint64_t throttled = 0;
  std::uint64_t untimely = 0;  ///< over, or ahead of our clock: one of the clocks may be wrong
  std::uint64_t refused = 0;
};

/// Decides about the envelopes that come: which are ours, new, and not too many. Sans-IO. What it
/// remembers is in memory; that an effect comes once in spite of a crash is the business of the
/// marks in store::Messages, which are written with the effect.
class Inbox {
 public:
  explicit Inbox(PeerId self, InboxLimits limits = {})
      : self_(self), rates_(limits.rates), recent_(limits.recent_max) {}

  struct Now {
    rt::TimePoint monotonic;
    std::int64_t wall_ms = 0;
  };
  struct Judged {
    std::optional<Message> message;  ///< whenever it is by its sender, and for us
    std::optional<Status> answer;    ///< at once; absent: to be kept, then taken() follows
  };
  Judged judge(BytesView envelope, Now now);
  /// It is here: the same again is answered without a look at the database. Not for what is exactly
  /// once without a mark.
  void taken(const Message& message);

  const InboxCounts& counts() const { return counts_; }

 private:
  bool is_ours(const Message& message) const;

  PeerId self_;
  libp2p::limits::PeerRates rates_;
  Recent<std::pair<PeerId, MessageId>, bool> recent_;
  InboxCounts counts_;
};

}  // namespace vivim::message
