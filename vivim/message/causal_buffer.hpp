#pragma once

#include <optional>
#include <vector>

#include "vivim/message/message.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::message {

struct CausalLimits {
  std::size_t messages_max = 256;  ///< that wait for others
  std::size_t payload_bytes_max = std::size_t{4} << 20;
  rt::Duration wait_max = std::chrono::seconds(30);  ///< then it comes without them
};

/// How a message came out of the buffer.
enum class Order : std::uint8_t {
  none,    ///< it asks for no order
  causal,  ///< after everything that its sender had seen
  gap,   ///< something that its sender had seen did not come in time, or there was no room to wait
  late,  ///< after a message that came with a gap, which it was missed by
};

struct Ordered {
  Message message;
  Order order = Order::none;
};

/// Brings the messages of a circle into an order in which no message comes before one that its
/// sender had seen. Sans-IO. Never loses a message: what waits too long, or does not fit, comes out
/// marked. What a message says of its sender counts; what it says of others is only its sender's
/// word, and makes nobody late. Expects each message once: who feeds it drops duplicates.
class CausalBuffer {
 public:
  /// `seen`: what was delivered before, in an earlier life.
  explicit CausalBuffer(CausalLimits limits = {}, VectorClock seen = {})
      : limits_(limits), seen_(std::move(seen)) {}

  /// Takes a message of somebody else; what may be delivered now, in order.
  std::vector<Ordered> add(Message message, rt::TimePoint now);
  /// What has waited too long, with what waited for it.
  std::vector<Ordered> on_deadline(rt::TimePoint now);
  /// When on_deadline() has something to do.
  std::optional<rt::TimePoint> next_deadline() const;

  /// The clock of our next message: of all that was delivered, and one more of `self`. Errors:
  /// clock_full, clock_overflow.
  Result<VectorClock> stamp(const PeerId& self);
  /// `self` said this number before, in a life that it knows nothing of. Error: clock_full.
  Result<void> said(const PeerId& self, std::uint64_t number) { return seen_.raise(self, number); }

  const VectorClock& seen() const { return seen_; }
  std::size_t waiting() const { return held_.size(); }

 private:
  struct Held {
    Message message;
    rt::TimePoint until;
  };

  bool is_next(const Message& message) const;
  bool has_come(const PeerId& member, std::uint64_t count) const;
  void deliver(Message message, Order order, std::vector<Ordered>& out);
  /// Delivers all that nothing is missing for any more.
  void drain(std::vector<Ordered>& out);
  /// Delivers the message that has waited longest, behind those that it follows.
  void force_oldest(std::vector<Ordered>& out);
  Message take(std::size_t index);

  CausalLimits limits_;
  VectorClock seen_;
  /// What messages with a gap had seen of others, which is not waited for again.
  VectorClock given_up_;
  std::vector<Held> held_;  ///< in the order in which they came
  std::size_t payload_bytes_ = 0;
};

}  // namespace vivim::message
