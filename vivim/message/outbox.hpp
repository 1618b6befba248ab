#pragma once

#include <map>
#include <optional>
#include <vector>

#include "vivim/message/message.hpp"
#include "vivim/message/priority_queue.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::message {

/// A message that waits to be sent.
struct Outgoing {
  MessageId id;
  PeerId to;
  Priority priority = Priority::normal;
  Delivery delivery = Delivery::at_least_once;
  Kind kind = Kind::data;
  std::int64_t expires_ms = 0;
  Bytes envelope;
  bool stored = false;  ///< a mailbox keeps it for the recipient
};

struct OutboxLimits {
  std::size_t messages_max = 10'000;
  std::size_t bytes_max = std::size_t{64} << 20;
  std::size_t messages_per_recipient_max = 1'000;
  /// Receipts have a room of their own: who makes us write them takes none from messages.
  std::size_t receipts_max = 1'000;
  std::size_t batch_messages_max = 16;  ///< sent at once to one recipient
  std::size_t batch_bytes_max = std::size_t{256} << 10;
  std::size_t busy_max = 32;  ///< recipients served at once
};

struct OutboxTimes {
  /// After the first failure; twice as long after each.
  rt::Duration retry_min = std::chrono::seconds(1);
  rt::Duration retry_max = std::chrono::minutes(10);
};

/// What became of a batch.
enum class BatchEnd : std::uint8_t {
  answered,  ///< the recipient answered about each
  failed,    ///< it could not be reached, or not to the end
  busy,      ///< it asked for patience
};

/// What is on its way, to whom, and when to try again. Sans-IO. Messages to a recipient are one
/// lane: they go together, by priority, and a recipient that cannot be reached costs the others
/// nothing. What is best effort is tried once; all else until acknowledged(), refused() or
/// expire().
class Outbox {
 public:
  explicit Outbox(OutboxLimits limits = {}, OutboxTimes times = {})
      : limits_(limits), times_(times) {}

  /// Whether add() would take it. Error: full.
  Result<void> has_room(const Outgoing& message) const;
  /// Where there is no room for another receipt, takes out and returns the one that is over first.
  std::optional<Outgoing> make_room_for_receipt();
  /// Error: full, also when it is there already. `now`: when it may be tried first.
  Result<void> add(Outgoing message, rt::TimePoint now);

  /// A recipient to serve now and what to send it; end() follows before the next of this recipient.
  struct Batch {
    PeerId to;
    std::vector<Outgoing> messages;
  };
  std::optional<Batch> next(rt::TimePoint now);
  /// What was not acknowledged of the batch waits again. `random`: any 64 bits, so that many
  /// senders do not come back together.
  void end(const PeerId& to, BatchEnd how, rt::TimePoint now, std::uint64_t random);

  /// It arrived, or will not be taken: it is not tried again. The message, if it was there.
  std::optional<Outgoing> remove(const PeerId& to, const MessageId& id);
  /// A mailbox keeps it: it is only tried again when the recipient is there. False: it is not here.
  bool stored(const PeerId& to, const MessageId& id);
  /// What a mailbox could keep for the recipient: neither best effort nor kept yet.
  std::vector<Outgoing> to_be_stored(const PeerId& to, std::size_t messages_max) const;

  /// The recipient is there: what waits for it is tried at once.
  void available(const PeerId& to, rt::TimePoint now);
  /// Removes and returns what nobody wants any more.
  std::vector<Outgoing> expire(std::int64_t wall_now_ms);
  /// When next() may have something.
  std::optional<rt::TimePoint> next_deadline() const;

  std::size_t size() const { return size_; }
  std::size_t bytes() const { return bytes_; }
  /// Every message, for lists.
  std::vector<const Outgoing*> all() const;

 private:
  struct Entry {
    Outgoing message;
    bool queued = false;
  };
  struct Lane {
    std::map<MessageId, Entry> messages;
    PriorityQueue<MessageId> queue;    ///< of those that are to be tried; some may be gone
    std::vector<MessageId> in_flight;  ///< the batch
    bool busy = false;
    unsigned failures = 0;
    rt::TimePoint due{};
  };
  using Lanes = std::map<PeerId, Lane>;

  std::optional<Outgoing> erase(Lanes::iterator lane, const MessageId& id);
  void count_out(const Outgoing& message);
  Batch take_batch(const PeerId& to, Lane& lane);
  static void enqueue(Lane& lane, Entry& entry);
  rt::Duration pause(unsigned failures, std::uint64_t random) const;
  static bool has_work(const Lane& lane);

  OutboxLimits limits_;
  OutboxTimes times_;
  Lanes lanes_;
  std::size_t size_ = 0;
  std::size_t receipts_ = 0;  ///< of them
  std::size_t bytes_ = 0;
  std::size_t busy_ = 0;
};

}  // namespace vivim::message
