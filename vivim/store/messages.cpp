#include "vivim/store/messages.hpp"

#include "vivim/store/error.hpp"

namespace vivim::store {
namespace {

#define VIVIM_STORE_MESSAGES \
  "SELECT seq, sender, id, topic, priority, delivery, sent, received, payload FROM messages "

MessageRow read_message(const Query& query) {
  MessageRow row;
  row.seq = query.integer(0);
  row.sender = query.bytes(1);
  row.id = query.bytes(2);
  if (!query.is_null(3)) {
    row.topic = query.text(3);
  }
  row.priority = static_cast<int>(query.integer(4));
  row.delivery = static_cast<int>(query.integer(5));
  row.sent = query.integer(6);
  row.received = query.integer(7);
  row.payload = query.bytes(8);
  return row;
}

Result<std::vector<MessageRow>> read_messages(Query query) {
  std::vector<MessageRow> rows;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return rows;
    }
    rows.push_back(read_message(query));
  }
}

Result<Total> read_total(Query query) {
  VIVIM_TRYV(query.row());
  return Total{.items = query.integer(0), .bytes = query.integer(1)};
}

Result<Total> total_of(Database& db, std::string_view name) {
  return read_total(db.query("SELECT items, bytes FROM message_totals WHERE name = ?", name));
}

Result<bool> exists(Query query) {
  return query.step();
}

}  // namespace

Result<bool> Messages::is_stranger(BytesView sender) {
  VIVIM_TRY(const bool known,
            exists(db_.query("SELECT 1 FROM correspondents WHERE peer = ?1 UNION ALL "
                             "SELECT 1 FROM messages WHERE sender = ?1 AND topic IS NOT NULL",
                             sender)));
  return !known;
}

Result<bool> Messages::has_room(const MessageRow& row, bool stranger) {
  VIVIM_TRY(const Total all, received());
  VIVIM_TRY(const Total of_circles, said());
  VIVIM_TRY(const Total unknown, of_strangers());
  VIVIM_TRY(const Total own, read_total(db_.query("SELECT count(*), 0 FROM messages "
                                                  "WHERE sender = ? AND topic IS NULL",
                                                  row.sender)));
  const auto bytes = static_cast<std::int64_t>(row.payload.size());
  if (stranger && (unknown.items >= quota_.stranger_rows_max ||
                   unknown.bytes + bytes > quota_.stranger_bytes_max ||
                   own.items >= quota_.rows_per_stranger_max)) {
    return false;
  }
  return all.items - of_circles.items < quota_.rows_max &&
         all.bytes - of_circles.bytes + bytes <= quota_.bytes_max &&
         own.items < quota_.rows_per_sender_max;
}

Result<void> Messages::make_room(const MessageRow& row) {
  const auto bytes = static_cast<std::int64_t>(row.payload.size());
  for (;;) {
    VIVIM_TRY(const Total all, said());
    const bool few = all.items < quota_.said_rows_max;
    if (all.items == 0 || (few && all.bytes + bytes <= quota_.said_bytes_max)) {
      return {};
    }
    // What has most gives first, so who is talkative pushes nobody else out.
    VIVIM_TRYV(db_.run(
        "DELETE FROM messages WHERE seq = (SELECT seq FROM messages WHERE topic IS NOT NULL "
        "AND substr(topic, 1, 47) = (SELECT name FROM message_totals WHERE name >= '/' AND "
        "name < '0' ORDER BY iif(?, bytes, items) DESC LIMIT 1) ORDER BY seq LIMIT 1)",
        few ? 1 : 0));
    if (db_.changes() == 0) {
      return fail(StoreError::corrupt);  // the totals are wrong
    }
  }
}

Result<Messages::Taken> Messages::take(const MessageRow& row,
                                       std::optional<rt::WallMs> mark_until) {
  VIVIM_TRY(const bool known,
            exists(db_.query("SELECT 1 FROM messages WHERE sender = ?1 AND id = ?2 UNION ALL "
                             "SELECT 1 FROM message_marks WHERE sender = ?1 AND id = ?2",
                             row.sender, row.id)));
  if (known) {
    return Taken::known;
  }
  bool stranger = false;
  if (row.topic) {
    VIVIM_TRYV(make_room(row));
  } else {
    VIVIM_TRY(stranger, is_stranger(row.sender));
    VIVIM_TRY(const bool room, has_room(row, stranger));
    if (!room) {
      return Taken::full;
    }
  }
  if (mark_until) {
    VIVIM_TRY(const bool marked, mark(row, *mark_until));
    if (!marked && !row.topic) {
      return Taken::full;
    }
  }
  VIVIM_TRYV(
      db_.run("INSERT INTO messages(sender, id, topic, priority, delivery, sent, received, payload,"
              " stranger) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
              row.sender, row.id, row.topic, row.priority, row.delivery, row.sent, row.received,
              row.payload, stranger ? 1 : 0));
  return Taken::fresh;
}

Result<bool> Messages::mark(const MessageRow& row, rt::WallMs until) {
  VIVIM_TRY(const Total all, marks());
  VIVIM_TRY(
      const Total own,
      read_total(db_.query("SELECT count(*), 0 FROM message_marks WHERE sender = ?", row.sender)));
  if (all.items >= quota_.marks_max || own.items >= quota_.marks_per_sender_max) {
    return false;
  }
  VIVIM_TRYV(db_.run("INSERT INTO message_marks(sender, id, expires) VALUES(?, ?, ?)", row.sender,
                     row.id, until));
  return true;
}

Result<std::vector<MessageRow>> Messages::newest(std::size_t limit) {
  return read_messages(db_.query(VIVIM_STORE_MESSAGES "ORDER BY seq DESC LIMIT ?", limit));
}

Result<void> Messages::remove(std::int64_t seq) {
  VIVIM_TRYV(db_.run("DELETE FROM messages WHERE seq = ?", seq));
  return db_.changes() == 1 ? Result<void>() : fail(StoreError::not_found);
}

Result<std::int64_t> Messages::remove_from(BytesView sender, std::size_t limit) {
  VIVIM_TRYV(
      db_.run("DELETE FROM messages WHERE seq IN "
              "(SELECT seq FROM messages WHERE sender = ? ORDER BY seq LIMIT ?)",
              sender, limit));
  return db_.changes();
}

Result<std::int64_t> Messages::expire_marks(rt::WallMs now) {
  VIVIM_TRYV(db_.run("DELETE FROM message_marks WHERE expires <= ?", now));
  return db_.changes();
}

Result<Total> Messages::received() {
  return total_of(db_, "received");
}

Result<Total> Messages::said() {
  return total_of(db_, "said");
}

Result<Total> Messages::of_strangers() {
  return total_of(db_, "strangers");
}

Result<Total> Messages::marks() {
  return total_of(db_, "marks");
}

#undef VIVIM_STORE_MESSAGES

Result<void> Correspondents::add(BytesView peer) {
  VIVIM_TRYV(db_.run("INSERT OR IGNORE INTO correspondents(peer) VALUES(?)", peer));
  if (db_.changes() == 0) {
    return {};
  }
  VIVIM_TRYV(db_.run("UPDATE messages SET stranger = 0 WHERE sender = ? AND stranger = 1", peer));
  return db_.run(
      "DELETE FROM correspondents WHERE seq <= (SELECT max(seq) FROM correspondents) - ?",
      k_correspondents_max);
}

Result<void> OutgoingMessages::add(const OutgoingRow& row) {
  return db_.run(
      "INSERT INTO outgoing(recipient, id, stored, expires, envelope) VALUES(?, ?, ?, ?, ?)",
      row.recipient, row.id, row.stored ? 1 : 0, row.expires, row.envelope);
}

Result<void> OutgoingMessages::set_stored(BytesView recipient, BytesView id) {
  return db_.run("UPDATE outgoing SET stored = 1 WHERE recipient = ? AND id = ?", recipient, id);
}

Result<void> OutgoingMessages::remove(BytesView recipient, BytesView id) {
  return db_.run("DELETE FROM outgoing WHERE recipient = ? AND id = ?", recipient, id);
}

Result<std::vector<OutgoingRow>> OutgoingMessages::list(std::size_t limit) {
  Query query = db_.query(
      "SELECT recipient, id, stored, expires, envelope FROM outgoing ORDER BY seq LIMIT ?", limit);
  std::vector<OutgoingRow> rows;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return rows;
    }
    rows.push_back({.recipient = query.bytes(0),
                    .id = query.bytes(1),
                    .stored = query.integer(2) != 0,
                    .expires = query.integer(3),
                    .envelope = query.bytes(4)});
  }
}

Result<void> Circles::add(const CircleRow& row) {
  Query count = db_.query("SELECT count(*) FROM circles");
  VIVIM_TRYV(count.row());
  if (count.integer(0) >= static_cast<std::int64_t>(k_circles_max)) {
    return fail(StoreError::too_large, k_circles_max);
  }
  return db_.run("INSERT INTO circles(id, secret, name, clock, joined) VALUES(?, ?, ?, ?, ?)",
                 row.id, row.secret, row.name, row.clock, row.joined);
}

Result<Bytes> Circles::clock(BytesView id) {
  Query query = db_.query("SELECT clock FROM circles WHERE id = ?", id);
  VIVIM_TRY(const bool found, query.step());
  if (!found) {
    return fail(StoreError::not_found);
  }
  return query.bytes(0);
}

Result<void> Circles::set_clock(BytesView id, BytesView clock) {
  VIVIM_TRYV(db_.run("UPDATE circles SET clock = ? WHERE id = ?", clock, id));
  return db_.changes() == 1 ? Result<void>() : fail(StoreError::not_found);
}

Result<void> Circles::remove(BytesView id) {
  VIVIM_TRYV(db_.run("DELETE FROM circles WHERE id = ?", id));
  return db_.changes() == 1 ? Result<void>() : fail(StoreError::not_found);
}

Result<std::vector<CircleRow>> Circles::list() {
  Query query =
      db_.query("SELECT id, secret, name, clock, joined FROM circles ORDER BY joined, id");
  std::vector<CircleRow> rows;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return rows;
    }
    rows.push_back({.id = query.bytes(0),
                    .secret = query.bytes(1),
                    .name = query.text(2),
                    .clock = query.bytes(3),
                    .joined = query.integer(4)});
  }
}

Result<Total> CircleLog::total(BytesView circle) {
  return read_total(
      db_.query("SELECT count(*), coalesce(sum(length(envelope)), 0) FROM circle_log "
                "WHERE circle = ?",
                circle));
}

Result<void> CircleLog::add(BytesView circle, const SaidRow& row) {
  VIVIM_TRYV(db_.run(
      "INSERT OR IGNORE INTO circle_log(circle, sender, number, expires, envelope) "
      "SELECT id, ?, ?, ?, ? FROM circles WHERE id = ?",
      row.sender, static_cast<std::int64_t>(row.number), row.expires, row.envelope, circle));
  if (db_.changes() == 0) {
    return {};
  }
  VIVIM_TRY(Total kept, total(circle));
  while (kept.items > 1 && (kept.items > quota_.rows_max || kept.bytes > quota_.bytes_max)) {
    Query oldest = db_.query(
        "SELECT seq, length(envelope) FROM circle_log WHERE circle = ? ORDER BY seq LIMIT 1",
        circle);
    VIVIM_TRYV(oldest.row());
    const std::int64_t seq = oldest.integer(0);
    kept.bytes -= oldest.integer(1);
    --kept.items;
    VIVIM_TRYV(db_.run("DELETE FROM circle_log WHERE seq = ?", seq));
  }
  return {};
}

Result<std::vector<SaidRow>> CircleLog::list(
    BytesView circle, rt::WallMs now, std::size_t limit, std::size_t bytes_max,
    const std::function<bool(BytesView sender, std::uint64_t number)>& wants) {
  Query query = db_.query(
      "SELECT sender, number, expires, envelope FROM circle_log "
      "WHERE circle = ? AND expires > ? ORDER BY seq",
      circle, now);
  std::vector<SaidRow> rows;
  std::size_t bytes = 0;
  while (rows.size() < limit) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      break;
    }
    const auto number = static_cast<std::uint64_t>(query.integer(1));
    if (!wants(query.bytes_view(0), number)) {
      continue;
    }
    bytes += query.bytes_view(3).size();
    if (!rows.empty() && bytes > bytes_max) {
      break;
    }
    rows.push_back({.sender = query.bytes(0),
                    .number = number,
                    .expires = query.integer(2),
                    .envelope = query.bytes(3)});
  }
  return rows;
}

Result<std::int64_t> CircleLog::expire(rt::WallMs now) {
  VIVIM_TRYV(db_.run("DELETE FROM circle_log WHERE expires <= ?", now));
  return db_.changes();
}

Result<bool> Mailbox::has_room(const MailRow& row) {
  const auto bytes = static_cast<std::int64_t>(row.sealed.size());
  const auto fits = [bytes](const Total& had, std::int64_t items_max, std::int64_t bytes_max) {
    return had.items < items_max && had.bytes + bytes <= bytes_max;
  };
#define VIVIM_STORE_MAIL_TOTAL "SELECT count(*), coalesce(sum(length(sealed)), 0) FROM mail WHERE "
  VIVIM_TRY(const Total recipient,
            read_total(db_.query(VIVIM_STORE_MAIL_TOTAL "recipient = ?", row.recipient)));
  VIVIM_TRY(const Total sender,
            read_total(db_.query(VIVIM_STORE_MAIL_TOTAL "sender = ?", row.sender)));
  VIVIM_TRY(const Total pair,
            read_total(db_.query(VIVIM_STORE_MAIL_TOTAL "sender = ? AND recipient = ?", row.sender,
                                 row.recipient)));
#undef VIVIM_STORE_MAIL_TOTAL
  VIVIM_TRY(const Total all, total());
  return fits(recipient, quota_.items_per_recipient_max, quota_.bytes_per_recipient_max) &&
         fits(sender, quota_.items_per_sender_max, quota_.bytes_per_sender_max) &&
         fits(pair, quota_.items_per_pair_max, quota_.bytes_per_pair_max) &&
         fits(all, quota_.items_max, quota_.bytes_max);
}

Result<Mailbox::Put> Mailbox::put(const MailRow& row) {
  VIVIM_TRY(const bool known,
            exists(db_.query("SELECT 1 FROM mail WHERE recipient = ? AND item = ?", row.recipient,
                             row.item)));
  if (known) {
    return Put::known;
  }
  VIVIM_TRY(const bool room, has_room(row));
  if (!room) {
    return Put::full;
  }
  VIVIM_TRYV(
      db_.run("INSERT INTO mail(recipient, item, sender, expires, sealed) VALUES(?, ?, ?, ?, ?)",
              row.recipient, row.item, row.sender, row.expires, row.sealed));
  return Put::stored;
}

Result<std::vector<MailRow>> Mailbox::list(BytesView recipient, std::int64_t after, rt::WallMs now,
                                           std::size_t limit, std::size_t bytes_max) {
  Query query = db_.query(
      "SELECT seq, recipient, item, sender, expires, sealed FROM mail "
      "WHERE recipient = ? AND seq > ? AND expires > ? ORDER BY seq LIMIT ?",
      recipient, after, now, limit);
  std::vector<MailRow> rows;
  std::size_t bytes = 0;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    bytes += more ? query.bytes_view(5).size() : 0;
    if (!more || (!rows.empty() && bytes > bytes_max)) {
      return rows;
    }
    rows.push_back({.seq = query.integer(0),
                    .recipient = query.bytes(1),
                    .item = query.bytes(2),
                    .sender = query.bytes(3),
                    .expires = query.integer(4),
                    .sealed = query.bytes(5)});
  }
}

Result<void> Mailbox::remove(BytesView recipient, BytesView item) {
  return db_.run("DELETE FROM mail WHERE recipient = ? AND item = ?", recipient, item);
}

Result<std::int64_t> Mailbox::expire(rt::WallMs now, std::size_t limit) {
  VIVIM_TRYV(
      db_.run("DELETE FROM mail WHERE seq IN (SELECT seq FROM mail WHERE expires <= ? LIMIT ?)",
              now, limit));
  return db_.changes();
}

Result<Total> Mailbox::total() {
  return total_of(db_, "mail");
}

}  // namespace vivim::store
