#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/rt/clock.hpp"
#include "vivim/store/database.hpp"

/// Messages between nodes (docs/protocol/message.md): those that came, those that wait to be sent,
/// and those that are kept for others. Senders and recipients are peer ids, ids have 16 bytes.
namespace vivim::store {

struct MessageRow {
  std::int64_t seq = 0;  ///< grows; given by take()
  Bytes sender;
  Bytes id;
  std::optional<std::string> topic;  ///< absent: to us
  int priority = 0;
  int delivery = 0;
  rt::WallMs sent = 0;
  rt::WallMs received = 0;
  Bytes payload;
};

struct MessageQuota {
  /// Of messages to us.
  std::int64_t rows_max = 20'000;
  std::int64_t bytes_max = 256LL << 20;
  std::int64_t rows_per_sender_max = 4'000;
  /// Of those, from strangers: whom we never wrote to, and who said nothing in a circle of ours
  /// that is still here.
  std::int64_t stranger_rows_max = 2'000;
  std::int64_t stranger_bytes_max = 32LL << 20;
  std::int64_t rows_per_stranger_max = 200;
  /// Of what was said in circles.
  std::int64_t said_rows_max = 20'000;
  std::int64_t said_bytes_max = 256LL << 20;
  std::int64_t marks_max = 200'000;
  std::int64_t marks_per_sender_max = 20'000;
};

/// A count of rows, and of the bytes in them.
struct Total {
  std::int64_t items = 0;
  std::int64_t bytes = 0;
};

/// What came, and the marks of what came: so that an effect comes once, even after the message was
/// removed.
class Messages {
 public:
  enum class Taken : std::uint8_t {
    fresh,  ///< it is here now
    known,  ///< it was here before, or is marked
    full,   ///< no room: nothing has changed. Not for what was said in a circle
  };

  explicit Messages(Database& database, MessageQuota quota = {}) : db_(database), quota_(quota) {}

  /// Keeps a message; with `mark_until` also marks it as having come, until then. For what was said
  /// in a circle there is always room: the oldest of the circle that has most of it goes, and when
  /// there is no room for its mark, only its row tells that it came.
  Result<Taken> take(const MessageRow& row, std::optional<rt::WallMs> mark_until);
  /// The last ones, newest first.
  Result<std::vector<MessageRow>> newest(std::size_t limit);
  /// Errors: not_found.
  Result<void> remove(std::int64_t seq);
  /// Removes up to `limit` that came from `sender`, the oldest first; how many.
  Result<std::int64_t> remove_from(BytesView sender, std::size_t limit);
  /// Forgets marks of messages that cannot come any more; how many.
  Result<std::int64_t> expire_marks(rt::WallMs now);

  Result<Total> received();
  /// Of what was received: in circles, and from strangers.
  Result<Total> said();
  Result<Total> of_strangers();
  Result<Total> marks();

 private:
  /// False: no room.
  Result<bool> mark(const MessageRow& row, rt::WallMs until);
  Result<bool> is_stranger(BytesView sender);
  Result<bool> has_room(const MessageRow& row, bool stranger);
  Result<void> make_room(const MessageRow& row);

  Database& db_;
  MessageQuota quota_;
};

/// Peers that are remembered as written to.
inline constexpr std::int64_t k_correspondents_max = 20'000;

/// Whom this node wrote to: they are no strangers.
class Correspondents {
 public:
  explicit Correspondents(Database& database) : db_(database) {}

  /// Who was the first of the last k_correspondents_max to be added goes for another.
  Result<void> add(BytesView peer);

 private:
  Database& db_;
};

/// A message that is to be sent until it is acknowledged.
struct OutgoingRow {
  Bytes recipient;
  Bytes id;
  bool stored = false;  ///< a mailbox keeps it for the recipient
  rt::WallMs expires = 0;
  Bytes envelope;
};

/// What is on its way. Whoever adds to it bounds it.
class OutgoingMessages {
 public:
  explicit OutgoingMessages(Database& database) : db_(database) {}

  /// Errors: exists.
  Result<void> add(const OutgoingRow& row);
  /// Nothing happens when it is gone.
  Result<void> set_stored(BytesView recipient, BytesView id);
  Result<void> remove(BytesView recipient, BytesView id);
  /// In the order in which they were added.
  Result<std::vector<OutgoingRow>> list(std::size_t limit);

 private:
  Database& db_;
};

/// A circle that this node is in.
struct CircleRow {
  Bytes id;      ///< 16 bytes
  Bytes secret;  ///< 32 bytes; whoever has it is a member
  std::string name;
  Bytes clock;  ///< what was seen of it, our own messages among it
  rt::WallMs joined = 0;
};

/// Circles that one node is in.
inline constexpr std::size_t k_circles_max = 256;

class Circles {
 public:
  explicit Circles(Database& database) : db_(database) {}

  /// Errors: exists, too_large (k_circles_max of them).
  Result<void> add(const CircleRow& row);
  /// Errors: not_found.
  Result<Bytes> clock(BytesView id);
  Result<void> set_clock(BytesView id, BytesView clock);
  /// Errors: not_found.
  Result<void> remove(BytesView id);
  /// In the order in which they were joined.
  Result<std::vector<CircleRow>> list();

 private:
  Database& db_;
};

/// Something that was said in a circle, as its sender signed it.
struct SaidRow {
  Bytes sender;
  std::uint64_t number = 0;  ///< of the sender's messages in the circle
  rt::WallMs expires = 0;
  Bytes envelope;
};

/// What is kept of one circle.
struct CircleLogQuota {
  std::int64_t rows_max = 1'000;
  std::int64_t bytes_max = 4LL << 20;
};

/// What was said in circles, so that members who were away hear of it.
class CircleLog {
 public:
  explicit CircleLog(Database& database, CircleLogQuota quota = {})
      : db_(database), quota_(quota) {}

  /// Keeps it, and the oldest go where there is no room; nothing happens when it is here, or when
  /// we are not in the circle.
  Result<void> add(BytesView circle, const SaidRow& row);
  /// In the order in which they were added, those that are not over and that `wants`; at most
  /// `limit`, and up to `bytes_max` (but at least one).
  Result<std::vector<SaidRow>> list(
      BytesView circle, rt::WallMs now, std::size_t limit, std::size_t bytes_max,
      const std::function<bool(BytesView sender, std::uint64_t number)>& wants);
  /// Removes what is over; how many.
  Result<std::int64_t> expire(rt::WallMs now);
  Result<Total> total(BytesView circle);

 private:
  Database& db_;
  CircleLogQuota quota_;
};

/// Something that we keep for a recipient who is away; we cannot read it.
struct MailRow {
  std::int64_t seq = 0;  ///< grows; given by put()
  Bytes recipient;
  Bytes item;    ///< 16 bytes, given by the sender
  Bytes sender;  ///< who brought it
  rt::WallMs expires = 0;
  Bytes sealed;
};

struct MailQuota {
  std::int64_t items_per_recipient_max = 1'000;
  std::int64_t bytes_per_recipient_max = 16LL << 20;
  std::int64_t items_per_sender_max = 1'000;
  std::int64_t bytes_per_sender_max = 16LL << 20;
  /// Of one sender for one recipient: an eighth, so nobody fills the box of another alone.
  std::int64_t items_per_pair_max = 125;
  std::int64_t bytes_per_pair_max = 2LL << 20;
  std::int64_t items_max = 100'000;
  std::int64_t bytes_max = 1LL << 30;
};

class Mailbox {
 public:
  enum class Put : std::uint8_t {
    stored,
    known,  ///< it was here
    full,   ///< a quota
  };

  explicit Mailbox(Database& database, MailQuota quota = {}) : db_(database), quota_(quota) {}

  Result<Put> put(const MailRow& row);
  /// What is kept for `recipient` behind `after` and not over, oldest first, up to `bytes_max` (but
  /// at least one).
  Result<std::vector<MailRow>> list(BytesView recipient, std::int64_t after, rt::WallMs now,
                                    std::size_t limit, std::size_t bytes_max);
  /// Nothing happens for an item that is not there.
  Result<void> remove(BytesView recipient, BytesView item);
  /// Removes up to `limit` items that are over; how many.
  Result<std::int64_t> expire(rt::WallMs now, std::size_t limit);
  Result<Total> total();

 private:
  Result<bool> has_room(const MailRow& row);

  Database& db_;
  MailQuota quota_;
};

}  // namespace vivim::store
